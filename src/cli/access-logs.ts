import { open } from 'node:fs/promises';
import type { Reading } from '../throttle/judge.ts';
import { isDamage, readLog, startReading } from '../throttle/log/read.ts';
import type { Simulation } from '../throttle/simulate.ts';
import { cannotRead } from './input.ts';

/** Bytes that are read at a time. */
const CHUNK = 1 << 20;

/** The bytes of a file, always in the same memory: a piece is good until the next one is asked for. */
async function* piecesOf(name: string): AsyncGenerator<Uint8Array> {
  const file = await open(name);
  try {
    const buffer = Buffer.allocUnsafeSlow(CHUNK);
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

/**
 * Read access logs, `-` for standard input, into a simulation.
 *
 * @throws AppError E_INPUT (exit 65, or 77 without permission) when one cannot be read
 */
export async function readAccessLogs(files: readonly string[], into: Simulation): Promise<Reading> {
  const taken = startReading(files);
  for (const [index, name] of files.entries()) {
    try {
      await readLog(name === '-' ? process.stdin : piecesOf(name), index, into, taken);
    } catch (error) {
      if (!isDamage(error)) throw cannotRead(name, error);
      taken.damaged.push(name);
    }
  }
  return taken;
}
