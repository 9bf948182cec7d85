import type { Network } from '../../net/network.ts';
import { parseNginxLine } from '../nginx/log.ts';
import type { Warden, WardenEvent } from '../warden.ts';
import { takeIn } from './entry.ts';
import { parseJsonLine } from './json.ts';
import { Tail } from './tail.ts';

/** A log that is being read. */
export type FollowedLog = { stop(): Promise<void> };

/**
 * Read the log of a web server as it grows: in our own format, or JSON of Caddy and Traefik. Each line tells its format.
 *
 * @param trusted  proxies of ours in front of the web server, for logs that have the address of the connection
 * @param onEvent  hears when the log is missing or there again, and of lines that are none of ours, once
 */
export async function followLog(
  warden: Warden,
  log: string,
  trusted: readonly Network[],
  onEvent: (event: WardenEvent) => void,
): Promise<FollowedLog> {
  let toldForeign = false;
  const tail = new Tail({
    path: log,
    onLine: (line) => {
      const entry = line[0] === '{' ? parseJsonLine(line, trusted) : parseNginxLine(line);
      if (entry) return takeIn(warden, entry);
      if (!toldForeign) onEvent({ event: 'log not understood', log });
      toldForeign = true;
    },
    onState: (state, reason) =>
      onEvent(state === 'reading' ? { event: 'log is read', log } : { event: 'log missing', log, reason }),
  });
  await tail.start();
  return { stop: () => tail.stop() };
}
