import { parseAddress } from '../net/address.ts';
import { holds, type Network, parseNetwork } from '../net/network.ts';

/** A network that is exempt, on one site or, where that is null, on all. */
export type Exempt = { readonly network: string; readonly site: string | null };

function within(inner: Network, outer: Network): boolean {
  return outer.bits <= inner.bits && holds(outer, parseAddress(inner.text.replace(/\/\d+$/, '')));
}

/**
 * Exemptions for single sites as web servers look them up: the narrowest network that names a client, then the pair of
 * that and the site. A network therefore has the sites of those that it lies in, too.
 */
export function exemptPairs(
  exemptions: readonly Exempt[],
): { readonly network: string; readonly site: string }[] {
  const ranges = exemptions.flatMap(({ network, site }) => {
    const range = site === null ? null : parseNetwork(network);
    return range === null || site === null ? [] : [{ range, site }];
  });
  return ranges.flatMap(({ range }) =>
    ranges.filter((each) => within(range, each.range)).map(({ site }) => ({ network: range.text, site })),
  );
}
