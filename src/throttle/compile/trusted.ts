import { parseNetwork } from '../../net/network.ts';
import type { Check } from '../../report.ts';
import type { Way } from './target.ts';

/**
 * Whether the service believes the proxies that were named, where it finds the client itself.
 *
 * @param proxies  who has to know them: the service alone, or the web server, too, by what was written
 * @param given  networks that were named
 * @param known  networks that the service believes
 * @returns nothing to say, or what differs
 */
export function checkTrusted(
  proxies: NonNullable<Way['proxies']>,
  given: readonly string[],
  known: readonly string[],
): Check[] {
  const wanted = given.map((each) => parseNetwork(each)?.text ?? each);
  const unknown = wanted.filter((each) => !known.includes(each));
  const more = proxies === 'service' ? [] : known.filter((each) => !wanted.includes(each));
  if (unknown.length === 0 && more.length === 0) return [];
  const told = [
    ...(unknown.length > 0 ? [`It does not believe ${unknown.join(', ')}.`] : []),
    ...(more.length > 0 ? [`It believes ${more.join(', ')}, too.`] : []),
  ];
  return [
    {
      id: 'throttle.compile.trusted',
      status: 'warn',
      message: 'The service believes other proxies than were named, so it takes one client for another.',
      evidence: told.join(' '),
      fix: 'Start "throttle serve" with the same --trusted-proxy, and write the configuration again.',
    },
  ];
}
