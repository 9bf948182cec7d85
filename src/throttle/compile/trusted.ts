import { parseNetwork } from '../../net/network.ts';
import type { Check } from '../../report.ts';

/**
 * Whether the service believes the same proxies as the web server, where the service finds the client itself.
 *
 * @param given  networks that the web server will believe
 * @param known  networks that the service believes
 * @returns nothing to say, or what differs
 */
export function checkTrusted(given: readonly string[], known: readonly string[]): Check[] {
  const wanted = given.map((each) => parseNetwork(each)?.text ?? each);
  const unknown = wanted.filter((each) => !known.includes(each));
  const more = known.filter((each) => !wanted.includes(each));
  if (unknown.length === 0 && more.length === 0) return [];
  const told = [
    ...(unknown.length > 0 ? [`It does not believe ${unknown.join(', ')}.`] : []),
    ...(more.length > 0 ? [`It believes ${more.join(', ')}, too.`] : []),
  ];
  return [
    {
      id: 'throttle.compile.trusted',
      status: 'warn',
      message:
        'The service believes other proxies than the web server will, so it takes one client for another.',
      evidence: told.join(' '),
      fix: 'Start "throttle serve" and write the configuration with the same --trusted-proxy.',
    },
  ];
}
