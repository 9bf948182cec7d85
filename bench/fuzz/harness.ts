// A mutating fuzzer for pure parsers: seeds in, crashes and hangs out. It stops by itself.
import { randomInt } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type Fuzzed = {
  readonly name: string;
  readonly seeds: readonly Buffer[];
  /** Throws for what it must not throw for; its result is not looked at. */
  readonly target: (input: Buffer) => void;
  readonly seconds: number;
};

/** Bytes that mean something to somebody. */
const TOKENS = [
  '(',
  ')',
  '"',
  '\\',
  '<',
  '>',
  '[',
  ']',
  ';',
  ':',
  '\r\n',
  '\r\n ',
  '\n',
  '\t',
  ' by ',
  ' with ',
  ' from ',
  ' id ',
  ' for ',
  'Received:',
  '=',
  '\0',
  '\x1b',
  '\u202e',
  '::',
  '%',
  '__proto__',
  '\xff',
];

/** A kilobyte may take this long, in milliseconds, before the input counts as a hang. */
const SLOW_MS_PER_KB = 50;
const MAX_BYTES = 64 * 1024;

function pick<T>(items: readonly T[]): T {
  return items[randomInt(items.length)] as T;
}

/** One random change of one input. */
function mutate(input: Buffer, seeds: readonly Buffer[]): Buffer {
  const at = randomInt(input.length + 1);
  const length = randomInt(1, 40);
  const [head, tail] = [input.subarray(0, at), input.subarray(at)];
  switch (randomInt(7)) {
    case 0:
      return Buffer.concat([head, tail.subarray(length)]);
    case 1:
      return Buffer.concat([head, Buffer.from(pick(TOKENS), 'latin1'), tail]);
    case 2:
      return Buffer.concat([head, Buffer.from(pick(TOKENS).repeat(randomInt(1, 500)), 'latin1'), tail]);
    case 3:
      return Buffer.concat([head, tail.subarray(0, length), tail]);
    case 4: {
      const other = pick(seeds);
      return Buffer.concat([head, other.subarray(randomInt(other.length + 1))]);
    }
    case 5: {
      const copy = Buffer.from(input);
      if (copy.length > 0) copy[randomInt(copy.length)] = randomInt(256);
      return copy;
    }
    default:
      return head;
  }
}

/** Run until the time is over; what crashes or hangs is written to crashes/ and counted. */
export function fuzz({ name, seeds, target, seconds }: Fuzzed): void {
  const end = performance.now() + seconds * 1000;
  let runs = 0;
  let found = 0;
  const report = (input: Buffer, what: string): void => {
    const folder = join(import.meta.dirname, 'crashes');
    mkdirSync(folder, { recursive: true });
    const file = join(folder, `${name}-${Date.now()}-${found++}.bin`);
    writeFileSync(file, input);
    process.stdout.write(`${name}: ${what} (${file})\n`);
  };
  while (performance.now() < end && found < 20) {
    let input = pick(seeds);
    for (let count = randomInt(1, 6); count > 0; count--) input = mutate(input, seeds);
    input = input.subarray(0, MAX_BYTES);
    const begun = performance.now();
    try {
      target(input);
    } catch (error) {
      report(input, String(error));
    }
    const ms = performance.now() - begun;
    if (ms > 100 && ms > (SLOW_MS_PER_KB * (input.length + 1)) / 1024)
      report(input, `${ms.toFixed(0)} ms for ${input.length} bytes`);
    runs += 1;
  }
  process.stdout.write(`${name}: ${runs} inputs in ${seconds} s, ${found} found\n`);
  if (found > 0) process.exitCode = 1;
}
