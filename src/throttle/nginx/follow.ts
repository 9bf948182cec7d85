import { Publisher, type Writer } from '../publisher.ts';
import type { Warden, WardenEvent } from '../warden.ts';
import { type NginxEntry, parseNginxLine } from './log.ts';
import { Tail } from './tail.ts';

/** How often it is looked whether a site has spent its budget, in milliseconds. */
const BUDGET_MS = 500;

export type FollowOptions = {
  /** The log that the web server writes in our format. */
  readonly log: string;
  /** Writes what the web server is told; null when it asks before it serves. */
  readonly writer: Writer | null;
};

/** The part of the service that looks after a web server with such a log. */
export type Follower = {
  /** The warden told something: blocks or policies may be others now. */
  changed(): void;
  stop(): Promise<void>;
};

/** Take one line of the log into account. */
export function takeIn(warden: Warden, entry: NginxEntry): void {
  const { counting, refused, host, address, bytes } = entry;
  if (counting === 'a') {
    if (!refused) warden.account(host, address, bytes, entry);
    return;
  }
  if (refused) return warden.noteRefused(host, address);
  warden.noteServed(host, address, bytes, entry);
}

/**
 * Read the log of a web server as it grows, and write the blocks that follow from it.
 *
 * @param onEvent  hears when the log is missing or there again, and of lines that are none of ours, once
 */
export async function followLog(
  warden: Warden,
  { log, writer }: FollowOptions,
  onEvent: (event: WardenEvent) => void,
  onError: (error: unknown) => void,
): Promise<Follower> {
  const publisher = writer === null ? null : new Publisher(warden, writer, onError);
  let toldForeign = false;
  const tail = new Tail({
    path: log,
    onLine: (line) => {
      const entry = parseNginxLine(line);
      if (entry) return takeIn(warden, entry);
      if (!toldForeign) onEvent({ event: 'log not understood', log });
      toldForeign = true;
    },
    onState: (state, reason) =>
      onEvent(state === 'reading' ? { event: 'log is read', log } : { event: 'log missing', log, reason }),
  });
  await publisher?.start();
  await tail.start();
  let shed = '';
  const watch = setInterval(() => {
    const now = warden.sites
      .all()
      .map((site) => warden.shedUntilMs(site) ?? '')
      .join();
    if (now !== shed) publisher?.changed();
    shed = now;
  }, BUDGET_MS);
  watch.unref();
  return {
    changed: () => publisher?.changed(),
    stop: async () => {
      clearInterval(watch);
      await tail.stop();
      await publisher?.stop();
    },
  };
}
