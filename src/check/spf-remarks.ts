import type { SpfTerm, SpfTree } from '../spf/types.ts';
import type { Reason } from '../trust/facts.ts';

/** A network wider than this holds more hosts than anybody can vouch for. */
const WIDEST = { ip4: 16, ip6: 32 } as const;

type Weakness = Pick<Reason, 'code' | 'severity' | 'text'>;

/** What makes a pass worth little: terms of the records that were read, each kind once. */
export function spfRemarks(tree: SpfTree | null): Reason[] {
  const found = new Map<string, Weakness>();
  if (tree !== null) collect(tree, found);
  return [...found.values()].map((weakness) => ({ ...weakness, evidence: null }));
}

function collect({ domain, terms }: SpfTree, found: Map<string, Weakness>): void {
  for (const term of terms) {
    const weakness = weaknessOf(term, domain);
    if (weakness !== null && !found.has(weakness.code)) found.set(weakness.code, weakness);
    if (term.below !== null) collect(term.below, found);
  }
}

function weaknessOf({ term, outcome }: SpfTerm, domain: string): Weakness | null {
  const [, sign = '', mechanism = ''] = /^([-+~?]?)([a-z0-9]+)/i.exec(term) ?? [];
  const passes = sign === '' || sign === '+';
  const bits = Number(/\/(\d{1,3})$/.exec(term)?.[1] ?? Number.NaN);
  switch (mechanism.toLowerCase()) {
    case 'all':
      if (passes) return warn('spf.all.pass', `The SPF record of ${domain} lets anybody send (+all).`);
      return sign === '?' && outcome === 'match'
        ? {
            code: 'spf.all.neutral',
            severity: 'info',
            text: `The SPF record of ${domain} says nothing of other hosts (?all).`,
          }
        : null;
    case 'ptr':
      return warn(
        'spf.ptr',
        `The SPF record of ${domain} goes by reverse names (ptr), which RFC 7208 §5.5 advises against.`,
      );
    case 'ip4':
    case 'ip6': {
      const widest = WIDEST[mechanism.toLowerCase() as keyof typeof WIDEST];
      return passes && bits < widest
        ? warn(
            'spf.range.wide',
            `The SPF record of ${domain} lets in a /${bits}, which is wider than /${widest}.`,
          )
        : null;
    }
    default:
      return null;
  }
}

function warn(code: string, text: string): Weakness {
  return { code, severity: 'warn', text };
}
