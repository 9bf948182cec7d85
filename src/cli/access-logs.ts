import { createReadStream } from 'node:fs';
import type { Reading } from '../throttle/judge.ts';
import { isDamage, readLog, startReading } from '../throttle/log/read.ts';
import type { Simulation } from '../throttle/simulate.ts';
import { cannotRead } from './input.ts';

/** Bytes that are read at a time. */
const CHUNK = 1 << 18;

/**
 * Read access logs, `-` for standard input, into a simulation.
 *
 * @throws AppError E_INPUT (exit 65, or 77 without permission) when one cannot be read
 */
export async function readAccessLogs(files: readonly string[], into: Simulation): Promise<Reading> {
  const taken = startReading(files);
  for (const [index, name] of files.entries()) {
    try {
      const source = name === '-' ? process.stdin : createReadStream(name, { highWaterMark: CHUNK });
      await readLog(source as AsyncIterable<Uint8Array>, index, into, taken);
    } catch (error) {
      if (!isDamage(error)) throw cannotRead(name, error);
      taken.damaged.push(name);
    }
  }
  return taken;
}
