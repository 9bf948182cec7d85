import { parseDomain } from '../dns/names.ts';
import type { MtaStsMode, MtaStsPolicy } from './types.ts';

/** What a policy text comes to; `error` is a clause, `line` what it is about. */
export type ParsedPolicy =
  | { readonly policy: MtaStsPolicy; readonly oddities: readonly string[] }
  | { readonly error: string; readonly line?: string };

const MODES: readonly string[] = ['enforce', 'testing', 'none'] satisfies MtaStsMode[];

/** RFC 8461 §3.2: about a year. */
const MAX_AGE_SECONDS = 31_557_600;

/** Longest line that is shown. */
const MAX_EVIDENCE = 200;

type Field = { readonly key: string; readonly value: string };

/** Carries a mistake out of the reading; never leaves this file. */
class Mistake extends Error {
  readonly line: string | undefined;

  constructor(message: string, line?: string) {
    super(message);
    this.line = line?.slice(0, MAX_EVIDENCE);
  }
}

function readField(line: string, number: number): Field {
  if (/[\0-\x08\x0a-\x1f\x7f]/.test(line)) throw new Mistake(`line ${number} has control characters`, line);
  const match = /^([A-Za-z0-9][A-Za-z0-9_.-]{0,31}):(.*)$/su.exec(line);
  if (!match) throw new Mistake(`line ${number} is not 'key: value'`, line);
  return { key: match[1] ?? '', value: (match[2] ?? '').replace(/^[ \t]+|[ \t]+$/g, '') };
}

/** Lines end in LF or CRLF (RFC 8461 §3.2); empty ones say nothing, which is told. */
function readFields(text: string, oddities: string[]): Field[] {
  if (text.startsWith('\ufeff')) throw new Mistake('it begins with a byte order mark');
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  if (lines.length === 0) throw new Mistake('it is empty');
  if (lines.some((line) => line.trim() === '')) oddities.push('There are empty lines.');
  return lines.flatMap((line, index) => (line.trim() === '' ? [] : [readField(line, index + 1)]));
}

/** The first of a key counts (RFC 8461 §3.2: all but `mx` are single). */
function single(fields: readonly Field[], key: string, oddities: string[]): string {
  const values = fields.filter((field) => field.key === key);
  const [first] = values;
  if (!first) throw new Mistake(`it has no ${key}`);
  if (values.length > 1) oddities.push(`${key} is there ${values.length} times; the first one counts.`);
  return first.value;
}

function readMode(value: string): MtaStsMode {
  if (!MODES.includes(value)) throw new Mistake(`its mode is none of ${MODES.join(', ')}`, `mode: ${value}`);
  return value as MtaStsMode;
}

function readMaxAge(value: string): number {
  const seconds = /^\d{1,10}$/.test(value) ? Number(value) : Number.NaN;
  if (!(seconds <= MAX_AGE_SECONDS))
    throw new Mistake(`its max_age is not 0 to ${MAX_AGE_SECONDS} seconds`, `max_age: ${value}`);
  return seconds;
}

/** `["*."] Domain`: a name, or one whose left-most label is any. */
function readPattern(value: string, oddities: string[]): string {
  const wildcard = value.startsWith('*.') ? '*.' : '';
  const name = value.slice(wildcard.length);
  const parsed = parseDomain(name, { underscores: true });
  if (parsed.kind === 'invalid' || !/^[\x21-\x7e]+$/.test(name)) {
    const reason = parsed.kind === 'invalid' ? parsed.reason : 'is not written in ASCII (A-labels)';
    throw new Mistake(`an mx in it ${reason}`, `mx: ${value}`);
  }
  if (name.endsWith('.')) oddities.push('An mx ends in a dot, which some senders take for another name.');
  return `${wildcard}${parsed.ascii}`;
}

/**
 * Read a policy (RFC 8461 §3.2): `key: value` lines, the version first; unknown keys are ignored. What cannot be read
 * by the grammar is no policy at all.
 */
export function parsePolicy(text: string): ParsedPolicy {
  const oddities: string[] = [];
  try {
    const fields = readFields(text, oddities);
    if (fields[0]?.key !== 'version') throw new Mistake('it does not begin with its version');
    const version = single(fields, 'version', oddities);
    if (version !== 'STSv1') throw new Mistake('its version is not STSv1', `version: ${version}`);
    const mode = readMode(single(fields, 'mode', oddities));
    const maxAgeSeconds = readMaxAge(single(fields, 'max_age', oddities));
    const patterns = fields.filter(({ key }) => key === 'mx');
    const mx = [...new Set(patterns.map(({ value }) => readPattern(value, oddities)))];
    if (mx.length === 0 && mode !== 'none') throw new Mistake('it has no mx');
    if (mx.length < patterns.length) oddities.push('An mx is there more than once.');
    return { policy: { mode, maxAgeSeconds, mx }, oddities: [...new Set(oddities)] };
  } catch (error) {
    if (!(error instanceof Mistake)) throw error;
    return { error: error.message, ...(error.line !== undefined && { line: error.line }) };
  }
}

/** Whether one pattern names a host: the same name, or `*.` for exactly one left-most label (RFC 8461 §4.1). */
export function patternCovers(pattern: string, host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, '');
  if (!pattern.startsWith('*.')) return pattern === name;
  const dot = name.indexOf('.');
  return dot > 0 && name.slice(dot) === pattern.slice(1);
}

/** Whether a policy names an exchanger (RFC 8461 §4.1). @param host  in any case, a final dot allowed */
export function covers(policy: Pick<MtaStsPolicy, 'mx'>, host: string): boolean {
  return policy.mx.some((pattern) => patternCovers(pattern, host));
}
