/**
 * A clock that shows the time of day at its start and goes on with a monotonic one: nobody's correction of the time
 * of day prolongs a block or ends it early.
 *
 * @param wall  milliseconds since the epoch
 * @param monotonic  milliseconds since whenever
 */
export function steadyClock(wall: () => number, monotonic: () => number): () => number {
  const begin = wall() - monotonic();
  return () => Math.round(begin + monotonic());
}
