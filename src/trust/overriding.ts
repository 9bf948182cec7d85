import type { Overrides, OverridesDocument } from './overrides.ts';

/** What can be decided about a domain. */
export const DECISIONS = [
  'trust',
  'distrust',
  'block',
  'open-signup',
  'no-open-signup',
  'sealer',
  'forget',
] as const;

export type LocalDecision = {
  readonly decision: (typeof DECISIONS)[number];
  /** A-labels, lower case. */
  readonly domain: string;
  /** The name to show; null: the domain. */
  readonly name: string | null;
  /** null: as is usual for the decision. */
  readonly includeSubdomains: boolean | null;
};

/** Decide about a domain: what was decided about it before is forgotten. */
export function decideLocally(before: Overrides, made: LocalDecision): Overrides {
  const { decision, domain, name, includeSubdomains } = made;
  const others = <T extends { readonly domain: string }>(list: readonly T[]) =>
    list.filter((each) => each.domain !== domain);
  const otherNames = (list: readonly string[]) => list.filter((each) => each !== domain);
  const when = <T>(wanted: boolean, value: T): T[] => (wanted ? [value] : []);
  const blocks = decision === 'block' || decision === 'distrust';
  return {
    trust: [
      ...others(before.trust),
      ...when(decision === 'trust', {
        domain,
        includeSubdomains: includeSubdomains ?? false,
        name: name ?? domain,
      }),
    ],
    block: [
      ...others(before.block),
      ...when(blocks, {
        domain,
        includeSubdomains: includeSubdomains ?? true,
        from: decision === 'block' ? ('all' as const) : ('trust' as const),
      }),
    ],
    openSignup: {
      add: [...otherNames(before.openSignup.add), ...when(decision === 'open-signup', domain)],
      remove: [...otherNames(before.openSignup.remove), ...when(decision === 'no-open-signup', domain)],
    },
    sealers: [...otherNames(before.sealers), ...when(decision === 'sealer', domain)],
  };
}

/** The document, to be read by people as well. */
export function overridesText({ registry, overrides }: OverridesDocument): string {
  const { trust, block, openSignup, sealers } = overrides;
  const content = { trust, block, openSignup, sealers };
  return `${JSON.stringify({ ...(registry !== null && { registry }), overrides: content }, null, 2)}\n`;
}
