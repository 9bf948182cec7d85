import type { Reading } from '../judge.ts';
import type { Simulation } from '../simulate.ts';
import { requestOf } from './entry.ts';
import { readLines } from './lines.ts';
import { expanded } from './open.ts';
import { createLogParser } from './parse.ts';

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
  const parse = createLogParser();
  let number = 0;
  for await (const lines of readLines(limited(expanded(source)))) {
    for (const text of lines) {
      number += 1;
      if (text === '') continue;
      taken.lines += 1;
      const entry = text === null ? null : parse(text);
      if (entry === 'comment') continue;
      if (entry !== null) {
        if (!into.add(requestOf(entry), file, number)) taken.otherSites += 1;
        continue;
      }
      taken.broken += 1;
      if (taken.examples.length < EXAMPLES)
        taken.examples.push({
          file,
          line: number,
          text: (text ?? 'longer than a megabyte').slice(0, EXAMPLE_LENGTH),
        });
    }
  }
}
