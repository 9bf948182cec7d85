import { createHash } from 'node:crypto';
import type { ProbePlan } from '../schema/probe-job.ts';

/** Everything of a queue begins with this. */
export const PREFIX = 'postern:mx';

/** Name of the queue of BullMQ. */
export const QUEUE = 'jobs';

/** How long what an unfinished run leaves behind is kept after its last row, in milliseconds. */
export const KEEP_MS = 6 * 3_600_000;

/** Half of a SHA-256, enough to tell things apart that nobody chooses. */
function digest(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}

/** The same list with the same options is the same run, whoever starts it when; a time counts that somebody chose. */
export function runOf(plan: ProbePlan, targets: readonly string[], chosenTime: boolean): string {
  const timeless = chosenTime ? plan : { ...plan, asOfMs: 0 };
  return digest('run 1', JSON.stringify(timeless), ...targets.toSorted((a, b) => (a < b ? -1 : 1)));
}

/** A target within its run. */
export function fieldOf(target: string): string {
  return digest('target', target);
}

/** A question to a server within a run. */
export function questionField(question: string): string {
  return digest('question', question);
}

export function jobIdOf(run: string, field: string): string {
  return `${run}-${field}`;
}

/** Run and target of a job; undefined for an id that is not ours. */
export function readJobId(id: string): { readonly run: string; readonly field: string } | undefined {
  const found = /^(?<run>[0-9a-f]{32})-(?<field>[0-9a-f]{32})$/.exec(id)?.groups;
  return found && { run: found['run'] ?? '', field: found['field'] ?? '' };
}

/** Where things are in Redis. */
export const keys = {
  job: (id: string) => `${PREFIX}:${QUEUE}:${id}`,
  rows: (run: string) => `${PREFIX}:run:${run}:rows`,
  /** Told on this channel: the field of a row that came. */
  news: (run: string) => `${PREFIX}:run:${run}:news`,
  said: (run: string) => `${PREFIX}:run:${run}:said`,
  order: (run: string) => `${PREFIX}:run:${run}:order`,
  turn: (ip: string) => `${PREFIX}:turn:${ip}`,
  rest: (ip: string) => `${PREFIX}:rest:${ip}`,
  provider: (name: string) => `${PREFIX}:provider:${name}`,
  less: (name: string) => `${PREFIX}:less:${name}`,
  workers: `${PREFIX}:workers`,
} as const;
