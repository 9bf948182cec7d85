import { createReadStream } from 'node:fs';
import type { Reading } from '../throttle/judge.ts';
import { readLines } from '../throttle/log/lines.ts';
import { expanded } from '../throttle/log/open.ts';
import { createLogParser } from '../throttle/log/parse.ts';
import type { Simulation } from '../throttle/simulate.ts';
import { cannotRead } from './input.ts';

/** Bytes that are read at a time. */
const CHUNK = 1 << 18;

/** Broken lines that are shown, and how much of each. */
const EXAMPLES = 5;
const EXAMPLE_LENGTH = 200;

/** A broken line is no reason to stop, and neither is a compressed file that was cut off. */
function isDamage(error: unknown): boolean {
  return /^(?:Z_|ZSTD_|ERR_ZLIB|ERR_STREAM_PREMATURE)/.test((error as NodeJS.ErrnoException).code ?? '');
}

type Taken = { -readonly [K in keyof Reading]: Reading[K] extends readonly (infer E)[] ? E[] : Reading[K] };

async function readOne(name: string, file: number, into: Simulation, taken: Taken): Promise<void> {
  const source = name === '-' ? process.stdin : createReadStream(name, { highWaterMark: CHUNK });
  const parse = createLogParser();
  let number = 0;
  for await (const lines of readLines(expanded(source as AsyncIterable<Uint8Array>))) {
    for (const text of lines) {
      number += 1;
      if (text === '') continue;
      taken.lines += 1;
      const entry = text === null ? null : parse(text);
      if (entry === 'comment') continue;
      if (entry !== null) {
        if (!into.add(entry, file, number)) taken.otherSites += 1;
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

/**
 * Read access logs, `-` for standard input, into a simulation.
 *
 * @throws AppError E_INPUT (exit 65, or 77 without permission) when one cannot be read
 */
export async function readAccessLogs(files: readonly string[], into: Simulation): Promise<Reading> {
  const taken: Taken = { files: [...files], lines: 0, broken: 0, examples: [], damaged: [], otherSites: 0 };
  for (const [index, name] of files.entries()) {
    try {
      await readOne(name, index, into, taken);
    } catch (error) {
      if (!isDamage(error)) throw cannotRead(name, error);
      taken.damaged.push(name);
    }
  }
  return taken;
}
