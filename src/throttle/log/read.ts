import type { Reading } from '../judge.ts';
import type { Simulation } from '../simulate.ts';
import { type Request, requestOf } from '../visitors.ts';
import { readLines } from './lines.ts';
import { expanded } from './open.ts';
import { createLogParser } from './parse.ts';
import { LineScanner } from './scan.ts';

const CR = 0x0d;

/** Broken lines that are shown, and how much of each. */
const EXAMPLES = 5;
const EXAMPLE_LENGTH = 200;

/** A {@link Reading} that is not over yet. */
export type Taken = {
  -readonly [K in keyof Reading]: Reading[K] extends readonly (infer E)[] ? E[] : Reading[K];
};

/** Nothing is read yet. */
export function startReading(files: readonly string[]): Taken {
  return { files: [...files], lines: 0, broken: 0, examples: [], damaged: [], otherSites: 0 };
}

/** A broken line is no reason to stop, and neither is a compressed file that was cut off. */
export function isDamage(error: unknown): boolean {
  return /^(?:Z_|ZSTD_|ERR_ZLIB|ERR_STREAM_PREMATURE)/.test((error as NodeJS.ErrnoException).code ?? '');
}

/**
 * Read one access log into a simulation. Lines that cannot be read are counted.
 *
 * @param file  its number, from 0
 * @param limited  what stands between the expanded bytes and the lines, such as a bound on their number
 * @throws what the source throws, and what zlib throws, see {@link isDamage}
 */
export async function readLog(
  source: AsyncIterable<Uint8Array>,
  file: number,
  into: Simulation,
  taken: Taken,
  limited: (expanded: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array> = (bytes) => bytes,
): Promise<void> {
  const take = createTaker(file, into, taken);
  for await (const lines of readLines(limited(expanded(source)))) take(lines);
}

/** Takes whole lines, or null for one that is too long. */
function createTaker(file: number, into: Simulation, taken: Taken): (lines: Buffer | null) => void {
  const parse = createLogParser();
  const scanner = new LineScanner();
  // Where a log tells its fields itself, its lines are not what they look like.
  let told = false;
  let number = 0;
  const add = (request: Request): void => {
    if (!into.add(request, file, number)) taken.otherSites += 1;
  };
  const fail = (text: string): void => {
    taken.broken += 1;
    if (taken.examples.length < EXAMPLES)
      taken.examples.push({ file, line: number, text: text.slice(0, EXAMPLE_LENGTH) });
  };
  const takeText = (text: string): void => {
    if (text === '') return;
    taken.lines += 1;
    told ||= text.startsWith('#');
    const entry = parse(text);
    if (entry === null) fail(text);
    else if (entry !== 'comment') add(requestOf(entry));
  };
  const takeTooLong = (): void => {
    number += 1;
    taken.lines += 1;
    fail('longer than a megabyte');
  };
  return (lines) => {
    if (lines === null) return takeTooLong();
    scanner.open(lines);
    for (let from = 0, end = 0; from < lines.length; from = end + 1) {
      number += 1;
      end = scanner.endOf(from);
      if (told || !scanner.scan(from, end)) takeText(textOf(lines, from, end));
      else {
        taken.lines += 1;
        add(scanner.request);
      }
    }
  };
}

/** A line as Latin-1: every byte is a character, so nothing in a log can make reading fail. */
function textOf(lines: Buffer, from: number, end: number): string {
  return lines.toString('latin1', from, end > from && lines[end - 1] === CR ? end - 1 : end);
}
