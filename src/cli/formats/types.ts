import type { Check, Report, Status } from '../../report.ts';
import type { Tool } from '../envelope.ts';
import type { Failure } from '../failure.ts';

/** A check together with where it was found, such as a host and address; empty for the target itself. */
export type Located = { readonly where: string; readonly check: Check };

/** A number worth a graph. */
export type Figure = {
  /** Words in snake case without the unit, such as `certificate_expiry`. */
  readonly name: string;
  /** What it is, as a sentence. */
  readonly help: string;
  readonly unit: 'seconds' | 'days' | 'count';
  readonly value: number;
  /** As in {@link Located}. */
  readonly where: string;
};

/** How a command lays out its result for formats that know findings and figures only. */
export type Parts<T extends Report> = {
  /** All checks, also those that lie deeper in the result; where there is no such function, `checks`. */
  readonly findings?: (result: T) => readonly Located[];
  readonly figures?: (result: T) => readonly Figure[];
};

/** One target of a document: its verdict, or why there is none. */
export type Row = {
  /** Of the case in a batch. */
  readonly id?: string | undefined;
  readonly target: string;
  /** When it was made, in milliseconds since the epoch. */
  readonly timeMs: number;
  readonly status: Status;
  readonly summary: string;
  readonly findings: readonly Located[];
  readonly figures: readonly Figure[];
  /** What stopped us from asking. */
  readonly failure?: Failure;
};

/** What a document says about itself. */
export type About = {
  /** As it is typed: `mx probe`. */
  readonly command: string;
  readonly tool: Tool;
  /** What the targets are: a file has lines and a path, a name has not. */
  readonly targets: 'name' | 'file';
  /** What a state counts as under --fail-on and --unknown: a document agrees with the exit code. */
  readonly counts: (status: Status) => Status;
};

/** Writes rows as one document: each part is due at once, so that a format that can stream does. */
export type Writer = {
  /** What stands before the first row. */
  readonly begin?: () => string;
  readonly row: (row: Row) => string;
  /** What stands after the last one, and whatever had to wait for it. */
  readonly end?: () => string;
};

export function rowOf<T extends Report>(result: T, parts: Parts<T>, timeMs: number, id?: string): Row {
  return {
    id,
    target: result.target ?? '',
    timeMs,
    status: result.status,
    summary: result.summary,
    findings: parts.findings?.(result) ?? result.checks.map((check) => ({ where: '', check })),
    figures: (parts.figures?.(result) ?? []).filter(({ value }) => Number.isFinite(value)),
  };
}

export function failedRow(target: string, failure: Failure, timeMs: number, id?: string): Row {
  const { message } = failure;
  return { id, target, timeMs, status: 'unknown', summary: message, findings: [], figures: [], failure };
}

/** Findings that somebody should look at: neither good news nor information. */
export function problems({ findings }: Row): readonly Located[] {
  return findings.filter(({ check }) => check.status !== 'ok');
}
