import { parseAddress } from '../net/address.ts';
import { contains, type Network } from '../net/network.ts';

/** The most hops of X-Forwarded-For that are looked at. */
const MOST_HOPS = 32;

/**
 * The address of the client: that of the connection, or, behind proxies of ours, the right-most one of
 * X-Forwarded-For that is none of them. What stands further left anybody can have written.
 */
export function clientAddress(
  peer: string,
  forwardedFor: string | undefined,
  trusted: readonly Network[],
): string {
  const isOurs = (address: string) => trusted.some((network) => contains(network, address));
  let address = peer;
  const hops = (forwardedFor ?? '').split(',').slice(-MOST_HOPS);
  while (isOurs(address) && hops.length > 0) {
    const hop = (hops.pop() ?? '').trim().replace(/^\[(.*)\](?::\d+)?$/, '$1');
    if (parseAddress(hop) === null) break;
    address = hop;
  }
  return address;
}
