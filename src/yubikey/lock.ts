import { createServer, type Server } from 'node:net';
import { AppError, ExitCode } from '../errors.ts';

/** Pauses before another program is believed to keep a key, in milliseconds. */
const RETRY_MS = [100, 200, 400, 800, 1500] as const;

/**
 * A name that one process in the whole system can hold, and that the system takes back whatever way the process
 * ends: an abstract socket on Linux, a pipe on Windows; elsewhere there is none.
 */
function nameOf(node: string, os: string): string | null {
  const plain = node.replaceAll(/[^A-Za-z0-9]+/g, '-').slice(-80);
  if (os === 'linux') return `\0postern-yubikey${plain}`;
  return os === 'win32' ? `\\\\.\\pipe\\postern-yubikey${plain}` : null;
}

function listen(name: string): Promise<Server | undefined> {
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(name, () => resolve(server.unref()));
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
  if (name === null) return () => undefined;
  for (const pause of [...RETRY_MS, null]) {
    const server = await listen(name);
    if (server) return () => server.close();
    if (pause !== null) await sleep(pause);
  }
  throw new AppError(`${node} is in use by another postern.`, {
    code: 'E_DEVICE_BUSY',
    exit: ExitCode.unavailable,
    hint: 'Let it finish, then run the command again.',
  });
}
