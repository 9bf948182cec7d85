import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { cannotRead } from './input.ts';
import { ask } from './prompt.ts';

/** More than any slot types. */
const MAX_CHARS = 200;

async function firstLine(file: string, signal: AbortSignal): Promise<string | null> {
  const stream = file === '-' ? process.stdin : createReadStream(file, { highWaterMark: 256 });
  const lines = createInterface({ input: stream, signal, crlfDelay: Number.POSITIVE_INFINITY });
  const failed = new Promise<never>((_, reject) => stream.once('error', reject));
  try {
    const read = (async () => {
      for await (const text of lines) return text.slice(0, MAX_CHARS);
      return null;
    })();
    return await Promise.race([read, failed]);
  } catch (error) {
    signal.throwIfAborted();
    throw cannotRead(file, error);
  } finally {
    lines.close();
    stream.destroy();
  }
}

/**
 * What a touch types: read from a file or pipe that was named, else asked for on the terminal.
 *
 * @param file  "-" is standard input
 * @returns null when there is nobody to touch the key
 */
export async function readTouch(
  file: string | undefined,
  signal: AbortSignal,
  mayAsk: boolean,
): Promise<string | null> {
  if (file !== undefined) return firstLine(file, signal);
  if (!mayAsk || process.stdin.isTTY !== true || process.stderr.isTTY !== true || process.env['CI'])
    return null;
  return ask({ message: 'Touch the key now, and let it type here:', flag: 'otp-file' }, mayAsk);
}
