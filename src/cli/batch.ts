import { dirname, isAbsolute, resolve, sep } from 'node:path';
import { AppError, ExitCode } from '../errors.ts';
import { readWhole } from './input.ts';

/** One case of a batch: an object of strings. */
export type Case = {
  readonly id: string;
  readonly number: number;
  readonly fields: Readonly<Record<string, unknown>>;
};

const LF = 0x0a;

/** Largest batch, in bytes. */
const MAX_BATCH = 512_000_000;

function wrong(file: string, number: number, reason: string): AppError {
  return new AppError(`--batch: '${file}', line ${number}: ${reason}.`, {
    code: 'E_BATCH',
    exit: ExitCode.input,
    hint: 'Each line is a JSON object with "id" and the case.',
  });
}

function readCase(file: string, line: string, number: number): Case {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw wrong(file, number, 'not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrong(file, number, 'not an object');
  const fields = value as Record<string, unknown>;
  const { id } = fields;
  if (typeof id !== 'string' && typeof id !== 'number') throw wrong(file, number, '"id" is missing');
  return { id: String(id), number, fields };
}

/**
 * The cases of a batch, one a line, and where relative paths in them start: the folder of the batch, or the current
 * one for standard input.
 *
 * @throws AppError E_BATCH (exit 65) for a line that is no case
 */
export async function readBatch(file: string): Promise<{ cases: Case[]; pathOf: (name: string) => string }> {
  const { bytes, folder } = await openBatch(file);
  return { cases: readBatchText(file, bytes), pathOf: (name) => pathBelow(folder, name) };
}

/** A batch whose cases are not read yet, see {@link readBatchText}, and where relative paths in them start. */
export async function openBatch(file: string): Promise<{ bytes: Buffer; folder: string }> {
  return { bytes: await readWhole(file, MAX_BATCH), folder: resolve(file === '-' ? '.' : dirname(file)) };
}

/** How many cases there are at most: the lines. */
export function mostCases(bytes: Buffer): number {
  let count = 1;
  for (let at = bytes.indexOf(LF); at !== -1; at = bytes.indexOf(LF, at + 1)) count += 1;
  return count;
}

/**
 * The cases in the bytes of a batch.
 *
 * @param file  its name, for the error
 * @throws AppError E_BATCH (exit 65) for a line that is no case
 */
export function readBatchText(file: string, bytes: Buffer): Case[] {
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  const cases: Case[] = [];
  let number = 0;
  for (const each of text.split('\n')) {
    number += 1;
    const line = each.trim();
    if (line !== '') cases.push(readCase(file, line, number));
  }
  return cases;
}

/**
 * A path as it is meant in a file of this folder. `resolve` takes as long as opening the file; most names need nothing
 * of it.
 */
export function pathBelow(folder: string, name: string): string {
  if (isAbsolute(name)) return name;
  return /(?:^|[/\\])\.{0,2}(?:[/\\]|$)|:/.test(name) ? resolve(folder, name) : `${folder}${sep}${name}`;
}

/**
 * A string field of a case.
 *
 * @throws AppError E_BATCH (exit 65) when it is missing or no string
 */
export function stringField({ fields, number }: Case, name: string): string {
  const value = fields[name];
  if (typeof value === 'string') return value;
  throw wrong('batch', number, `"${name}" is missing or no string`);
}

/**
 * A string field that a case may leave out, or give as null.
 *
 * @throws AppError E_BATCH (exit 65) when it is something else
 */
export function optionalField(each: Case, name: string): string | null {
  return each.fields[name] === undefined || each.fields[name] === null ? null : stringField(each, name);
}
