import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:http';
import { type AddressInfo, connect, type Server as NetServer } from 'node:net';
import { AppError, ExitCode } from '../errors.ts';
import { type Endpoint, formatEndpoint } from './address.ts';

/** A server that listens, and how it is stopped. */
export type Listening = {
  /** As a client reaches it: `unix:/PATH`, or `HOST:PORT` with the port that was given. */
  readonly at: string;
  /** The TCP port; null on another kind of socket. */
  readonly port: number | null;
  /** Take no more connections, let what is being answered end, and cut it off after so many milliseconds. */
  close(graceMs: number): Promise<void>;
};

export type ListenOptions = {
  /** Mode of a Unix socket: who may connect. */
  readonly mode?: number;
  readonly activated?: ReadonlyMap<string, number>;
};

/** Whether somebody answers on a Unix socket. */
function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const settle = (alive: boolean) => {
      socket.destroy();
      resolve(alive);
    };
    socket.once('connect', () => settle(true)).once('error', () => settle(false));
  });
}

/** A socket that a killed process left behind is removed; one that is answered, or another file, is not. */
async function clearPath(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found?.isSocket() && !(await isAlive(path))) unlinkSync(path);
}

function cannotListen(endpoint: Endpoint, cause: unknown): AppError {
  const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
  const reason: Readonly<Record<string, string>> = {
    EADDRINUSE: 'another process listens there already',
    EACCES: 'permission denied',
    EADDRNOTAVAIL: 'this machine has no such address',
    ENOENT: 'the folder does not exist',
  };
  return new AppError(`Cannot listen on ${formatEndpoint(endpoint)}: ${reason[code] ?? code}.`, {
    code: 'E_CANNOT_LISTEN',
    exit: code === 'EACCES' ? ExitCode.noPermission : ExitCode.unavailable,
    hint: code === 'EADDRINUSE' ? 'Is the service running already?' : 'Choose another place.',
    cause,
  });
}

function place(endpoint: Endpoint, activated: ReadonlyMap<string, number>) {
  switch (endpoint.kind) {
    case 'tcp':
      return { host: endpoint.host, port: endpoint.port };
    case 'unix':
      return { path: endpoint.path };
    case 'activated': {
      const fd = activated.get(endpoint.name);
      if (fd !== undefined) return { fd };
      throw new AppError(`systemd has opened no socket with the name '${endpoint.name}'.`, {
        code: 'E_CANNOT_LISTEN',
        exit: ExitCode.unavailable,
        hint: 'Start the .socket unit; FileDescriptorName= in it gives the name.',
      });
    }
  }
}

async function bind(
  server: NetServer,
  endpoint: Endpoint,
  { mode, activated = new Map() }: ListenOptions,
): Promise<void> {
  if (endpoint.kind === 'unix') await clearPath(endpoint.path);
  const where = place(endpoint, activated);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(cannotListen(endpoint, error)));
    server.listen(where, () => resolve());
  });
  if (endpoint.kind === 'unix' && mode !== undefined) chmodSync(endpoint.path, mode);
}

/**
 * Listen with an HTTP server.
 *
 * @throws AppError E_CANNOT_LISTEN (exit 69, or 77 without permission)
 */
export async function listen(
  server: Server,
  endpoint: Endpoint,
  options: ListenOptions = {},
): Promise<Listening> {
  await bind(server, endpoint, options);
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? (address as AddressInfo).port : null;
  return {
    at:
      endpoint.kind === 'tcp'
        ? formatEndpoint({ ...endpoint, port: port ?? endpoint.port })
        : formatEndpoint(endpoint),
    port,
    close: (graceMs) =>
      new Promise((resolve) => {
        const cut = setTimeout(() => server.closeAllConnections(), graceMs);
        server.close(() => {
          clearTimeout(cut);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}
