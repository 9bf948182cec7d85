import type { TableEntry } from './runtime.ts';

/** What has to be done so that service and HAProxy have the same blocks. */
export type Steps = {
  /** HAProxy began these. */
  readonly adopt: readonly TableEntry[];
  /** These it does not have: set by hand, of another HAProxy, or lost by a restart. */
  readonly set: readonly TableEntry[];
  /** These were lifted here. */
  readonly clear: readonly string[];
};

/**
 * Compare the blocks of both sides. A block that both had and only HAProxy still has was lifted here; one that nobody
 * here knew is its own. One that only the service has is told to HAProxy, whatever became of it there.
 *
 * @param ours  blocks of the service, by key
 * @param theirs  what the table has
 * @param shared  what both had when this was done last: key and end
 * @param now  seconds since the epoch
 */
export function reconcile(
  ours: ReadonlyMap<string, TableEntry>,
  theirs: readonly TableEntry[],
  shared: ReadonlyMap<string, number>,
  now: number,
): Steps {
  const live = theirs.filter(({ until }) => until > now);
  const had = new Map(live.map((entry) => [entry.key, entry.until]));
  const strange = live.filter(({ key }) => !ours.has(key));
  return {
    adopt: strange.filter(({ key, until }) => shared.get(key) !== until),
    clear: strange.filter(({ key, until }) => shared.get(key) === until).map(({ key }) => key),
    set: [...ours.values()].filter(({ key, until }) => until > now && had.get(key) !== until),
  };
}
