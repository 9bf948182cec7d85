import { isIP } from 'node:net';
import type { Resolver } from '../dns/types.ts';

/** What lists think of the resolver that asks them. */
export type ResolverView = {
  /** Which server answered, as `address:port` or `cache`. */
  readonly server: string;
  /** Its operator, where it is open to everybody: most lists refuse those. */
  readonly publicOperator: string | null;
  /** Whether it answers for names that do not exist; null when that could not be told. */
  readonly rewrites: boolean | null;
};

const PUBLIC: Readonly<Record<string, readonly string[]>> = {
  Google: ['8.8.8.8', '8.8.4.4', '2001:4860:4860::8888', '2001:4860:4860::8844', 'dns.google'],
  Cloudflare: [
    '1.1.1.1',
    '1.0.0.1',
    '1.1.1.2',
    '1.1.1.3',
    '2606:4700:4700::1111',
    '2606:4700:4700::1001',
    'cloudflare-dns.com',
    'one.one.one.one',
  ],
  Quad9: ['9.9.9.9', '9.9.9.10', '9.9.9.11', '149.112.112.112', '2620:fe::fe', '2620:fe::9', 'dns.quad9.net'],
  OpenDNS: ['208.67.222.222', '208.67.220.220', '2620:119:35::35', '2620:119:53::53'],
  AdGuard: ['94.140.14.14', '94.140.15.15'],
  Level3: ['4.2.2.1', '4.2.2.2', '4.2.2.3', '4.2.2.4'],
};

/**
 * Look at the resolver before lists are asked.
 *
 * @param madeUp  a name that does not exist, made up for this run
 */
export async function viewResolver(dns: Resolver, madeUp: string): Promise<ResolverView> {
  const answer = await dns.resolve(madeUp, 'A');
  const rewrites = answer.kind === 'found' ? true : answer.kind === 'failed' ? null : false;
  return { server: answer.server, publicOperator: operatorOf(answer.server), rewrites };
}

/** @returns who runs a resolver that is open to everybody */
export function operatorOf(server: string): string | null {
  const host = hostOf(server);
  return Object.keys(PUBLIC).find((operator) => PUBLIC[operator]?.includes(host)) ?? null;
}

/** The host of `address:port`, `[address]:port` or a URL. */
function hostOf(server: string): string {
  const bare = server.replace(/^[a-z]+:\/\//i, '').replace(/\/.*$/, '');
  if (isIP(bare) !== 0) return bare;
  return bare
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
}
