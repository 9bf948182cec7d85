import type { Limits } from '../../src/throttle/limits.ts';

/** A request as the oracle and the engine both see it. */
export type Event = {
  readonly client: string;
  /** Seconds since the epoch. */
  readonly second: number;
  readonly bytes: number;
  readonly line: number;
};

export type OracleTrip = {
  readonly client: string;
  readonly second: number;
  readonly line: number;
  readonly limit: 'requests' | 'bytes';
};

export type OracleResult = {
  readonly trips: readonly OracleTrip[];
  /** Lines of the requests that are refused. */
  readonly refused: readonly number[];
};

/**
 * The rules, as slowly and as plainly as they can be written: every request that was served is kept for ever, and
 * counted anew each time. Events come in order.
 */
export function oracle(
  events: readonly Event[],
  limits: Limits,
  aligned = false,
  windowSeconds = 600,
  blockSeconds = 600,
): OracleResult {
  const served = new Map<string, Event[]>();
  const until = new Map<string, number>();
  const trips: OracleTrip[] = [];
  const refused: number[] = [];
  for (const event of events) {
    const { client, second, bytes, line } = event;
    if (second < (until.get(client) ?? Number.NEGATIVE_INFINITY)) {
      refused.push(line);
      continue;
    }
    const begin = aligned ? Math.floor(second / windowSeconds) * windowSeconds - 1 : second - windowSeconds;
    const before = (served.get(client) ?? []).filter((each) => each.second > begin);
    const trip = (limit: OracleTrip['limit']) => {
      trips.push({ client, second, line, limit });
      until.set(client, second + blockSeconds);
      served.set(client, []);
    };
    if (before.length + 1 > limits.requests) {
      refused.push(line);
      trip('requests');
      continue;
    }
    served.set(client, [...before, event]);
    if (before.reduce((sum, each) => sum + each.bytes, bytes) > limits.bytes) trip('bytes');
  }
  return { trips, refused };
}
