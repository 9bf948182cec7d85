import { parseDomain } from '../dns/names.ts';
import { chosenLabel } from './organization.ts';
import type { Overrides } from './overrides.ts';
import type { Entry, Registry } from './registry.ts';
import { joined, type Skeleton, skeleton, wordsOf } from './skeleton.ts';

/** A company that somebody may pose as. */
export type Known = {
  /** As it is shown. */
  readonly name: string;
  readonly domains: readonly string[];
};

/** A name or a domain of a company. */
export type Likeness = {
  readonly known: Known;
  /** What a careful reader sees; who has the same can be taken for the company even by one. */
  readonly careful: string;
};

/** What looks alike at a hurried glance. */
type Index = Pick<ReadonlyMap<string, readonly Likeness[]>, 'get'>;

/** Names and domains of known companies by what they look like. */
export type Names = {
  /** Words of a name, joined by a blank and joined by nothing. */
  readonly byName: Index;
  readonly byDomain: Index;
  /** The label that the registrant chose (`bank` of `bank.example`). */
  readonly byLabel: Index;
  /** Most words that a name has. */
  readonly longest: number;
};

/** Names with more words are compared by their first ones. */
const MAX_WORDS = 8;

/** {@link Names} of entries alone, to be gone through as well. */
export type CollectedNames = {
  readonly [K in 'byName' | 'byDomain' | 'byLabel']: Map<string, Likeness[]>;
} & {
  longest: number;
};

/** Everything that can be posed as: entries of all lists, whatever their state, and local decisions. */
export function collectNames(
  registries: readonly Pick<Registry, 'entries' | 'names'>[],
  { trust }: Overrides,
): Names {
  const collected = namesOf(registries.flatMap(({ entries, names }) => (names === undefined ? entries : [])));
  for (const { domain, name } of trust)
    add(collected, name === domain ? [] : [name], { name, domains: [domain] });
  return registries.flatMap(({ names }) => names ?? []).reduce(both, collected);
}

/** Names and domains of these entries. */
export function namesOf(entries: readonly Entry[]): CollectedNames {
  const collected: CollectedNames = {
    byName: new Map(),
    byDomain: new Map(),
    byLabel: new Map(),
    longest: 0,
  };
  for (const { organization, aliases, domains } of entries) {
    const { name, legalName } = organization;
    const known = { name, domains: domains.map(({ domain }) => domain) };
    add(collected, [name, ...(legalName === null ? [] : [legalName]), ...aliases], known);
  }
  return collected;
}

function add(into: CollectedNames, names: readonly string[], known: Known): void {
  for (const name of names) {
    const words = wordsOf(name).slice(0, MAX_WORDS);
    into.longest = Math.max(into.longest, words.length);
    if (words.length === 0) continue;
    for (const between of words.length === 1 ? [''] : [' ', ''])
      push(into.byName, joined(words, between), known);
  }
  for (const domain of known.domains) {
    push(into.byDomain, domainSkeleton(domain), known);
    const label = chosenLabel(domain);
    if (label !== null) push(into.byLabel, domainSkeleton(label), known);
  }
}

/** Names of two sources. */
function both(a: Names, b: Names): Names {
  const together = (first: Index, second: Index): Index => ({
    get: (key) => {
      const [here, there] = [first.get(key), second.get(key)];
      return here && there ? [...here, ...there] : (here ?? there);
    },
  });
  return {
    byName: together(a.byName, b.byName),
    byDomain: together(a.byDomain, b.byDomain),
    byLabel: together(a.byLabel, b.byLabel),
    longest: Math.max(a.longest, b.longest),
  };
}

function push(index: Map<string, Likeness[]>, { hurried, careful }: Skeleton, known: Known): void {
  const there = index.get(hurried);
  if (there === undefined) index.set(hurried, [{ known, careful }]);
  else if (!there.some((each) => each.known === known && each.careful === careful))
    there.push({ known, careful });
}

/** What a domain looks like: its U-labels, as a client may show them. */
export function domainSkeleton(domain: string): Skeleton {
  return skeleton(toUnicode(domain));
}

/** U-labels for people; the name itself where there are none. */
export function toUnicode(domain: string): string {
  if (!domain.includes('xn--')) return domain;
  const parsed = parseDomain(domain, { underscores: true });
  return parsed.kind === 'name' ? parsed.unicode : domain;
}
