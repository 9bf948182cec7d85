import type { Check } from './schema/report.ts';

export type { Check };

/**
 * Four answers, because "could not tell" is neither good nor bad news: the states of a monitoring
 * plug-in. `unknown` is never shown as a green tick and never as "not offered".
 */
export type Status = 'ok' | 'warn' | 'crit' | 'unknown';

/** What the result of every command has; the base command adds schema, tool and time. */
export type Report = {
  /** What was asked about: a domain, a file; null where there is no single one. */
  readonly target: string | null;
  readonly status: Status;
  /** The whole result in one sentence that can be forwarded. */
  readonly summary: string;
  readonly checks: readonly Check[];
};

const SEVERITY: Readonly<Record<Status, number>> = { ok: 0, warn: 1, unknown: 2, crit: 3 };

/** The overall state of several: crit over unknown over warn over ok; `ok` of none. */
export function worst(states: Iterable<Status>): Status {
  let result: Status = 'ok';
  for (const state of states) if (SEVERITY[state] > SEVERITY[result]) result = state;
  return result;
}
