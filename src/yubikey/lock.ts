import { closeSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError, ExitCode } from '../errors.ts';

/** Flags of open(2) on macOS and the BSDs: create, do not wait, lock for ourselves until the file is closed. */
const LOCKED = 0x0200 | 0x0004 | 0x0020;

/** Pauses before another program is believed to keep a key, in milliseconds. */
const RETRY_MS = [100, 200, 400, 800, 1500] as const;

const plainName = (node: string) => node.replaceAll(/[^A-Za-z0-9]+/g, '-').slice(-80);

/**
 * A name that one process in the whole system can hold, and that the system takes back whatever way the process
 * ends: an abstract socket on Linux, a pipe on Windows; elsewhere there is none, and a file is locked.
 */
function nameOf(node: string, os: string): string | null {
  const plain = plainName(node);
  if (os === 'linux') return `\0postern-yubikey${plain}`;
  return os === 'win32' ? `\\\\.\\pipe\\postern-yubikey${plain}` : null;
}

/** A lock on a file that macOS and the BSDs hold while it is open, and give back whatever way the process ends. */
function lockFile(node: string): (() => void) | undefined {
  const file = join(tmpdir(), `postern-yubikey${plainName(node)}.lock`);
  try {
    const descriptor = openSync(file, LOCKED, 0o600);
    return () => closeSync(descriptor);
  } catch (error) {
    if (['EAGAIN', 'EWOULDBLOCK'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

function listen(name: string): Promise<(() => void) | undefined> {
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(name, () => {
      server.unref();
      resolve(() => server.close());
    });
  });
}

/**
 * Keep a key to ourselves: two programs that speak to it at the same time mix up their frames. Only programs that
 * ask for this lock are kept away.
 *
 * @param node  of the key
 * @param os  as Node names it
 * @returns what gives it back
 * @throws AppError E_DEVICE_BUSY (exit 69) when another one keeps it for three seconds
 */
export async function lockKey(
  node: string,
  os: string,
  sleep: (ms: number) => Promise<void>,
): Promise<() => void> {
  const name = nameOf(node, os);
  for (const pause of [...RETRY_MS, null]) {
    const release = name === null ? lockFile(node) : await listen(name);
    if (release) return release;
    if (pause !== null) await sleep(pause);
  }
  throw new AppError(`${node} is in use by another postern.`, {
    code: 'E_DEVICE_BUSY',
    exit: ExitCode.unavailable,
    hint: 'Let it finish, then run the command again.',
  });
}
