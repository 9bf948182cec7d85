import { parseDomain } from '../dns/names.ts';
import { chosenLabel } from './organization.ts';
import type { Overrides } from './overrides.ts';
import type { Registry } from './registry.ts';
import { skeleton, wordsOf } from './skeleton.ts';

/** A company that somebody may pose as. */
export type Known = {
  /** As it is shown. */
  readonly name: string;
  readonly domains: readonly string[];
};

/** Names and domains of known companies by what they look like. */
export type Names = {
  /** Words of a name, joined by a blank and joined by nothing. */
  readonly byName: ReadonlyMap<string, readonly Known[]>;
  readonly byDomain: ReadonlyMap<string, readonly Known[]>;
  /** The label that the registrant chose (`bank` of `bank.example`). */
  readonly byLabel: ReadonlyMap<string, readonly Known[]>;
  /** Most words that a name has. */
  readonly longest: number;
};

/** Names with more words are compared by their first ones. */
const MAX_WORDS = 8;

/** Everything that can be posed as: entries of all lists, whatever their state, and local decisions. */
export function collectNames(registries: readonly Registry[], { trust }: Overrides): Names {
  const byName = new Map<string, Known[]>();
  const byDomain = new Map<string, Known[]>();
  const byLabel = new Map<string, Known[]>();
  let longest = 0;
  const add = (names: readonly string[], known: Known) => {
    for (const name of names) {
      const words = wordsOf(name).slice(0, MAX_WORDS);
      longest = Math.max(longest, words.length);
      if (words.length === 0) continue;
      push(byName, words.join(' '), known);
      push(byName, words.join(''), known);
    }
    for (const domain of known.domains) {
      push(byDomain, domainSkeleton(domain), known);
      const label = chosenLabel(domain);
      if (label !== null) push(byLabel, domainSkeleton(label), known);
    }
  };
  for (const { entries } of registries) {
    for (const { organization, aliases, domains } of entries) {
      const known = { name: organization.name, domains: domains.map(({ domain }) => domain) };
      add(
        [organization.name, ...(organization.legalName ? [organization.legalName] : []), ...aliases],
        known,
      );
    }
  }
  for (const { domain, name } of trust) add(name === domain ? [] : [name], { name, domains: [domain] });
  return { byName, byDomain, byLabel, longest };
}

function push(index: Map<string, Known[]>, key: string, known: Known): void {
  const there = index.get(key);
  if (there === undefined) index.set(key, [known]);
  else if (!there.includes(known)) there.push(known);
}

/** What a domain looks like: its U-labels, as a client may show them. */
export function domainSkeleton(domain: string): string {
  return skeleton(toUnicode(domain));
}

/** U-labels for people; the name itself where there are none. */
export function toUnicode(domain: string): string {
  if (!domain.includes('xn--')) return domain;
  const parsed = parseDomain(domain, { underscores: true });
  return parsed.kind === 'name' ? parsed.unicode : domain;
}
