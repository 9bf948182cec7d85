import { statSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import type { Services, StoreSeen, ThrottlePlace } from '../doctor/services.ts';
import { parseEndpoint } from '../service/address.ts';
import { isShared, SERVICE_STORE, stateFolder } from './key-store.ts';

/** How long a socket of this machine is waited for. */
const PATIENCE_MS = 2000;

type Stat = { readonly mode: number; readonly mtimeMs: number };

/** A file's mode and age; null when there is none, `denied` when that may not be known. */
function look(file: string): Stat | null | 'denied' {
  try {
    return statSync(file, { throwIfNoEntry: false }) ?? null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOTDIR' ? null : 'denied';
  }
}

function connects(path: string): Promise<'answers' | 'silent' | 'denied'> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    const settle = (state: 'answers' | 'silent' | 'denied') => {
      socket.destroy();
      resolve(state);
    };
    socket.setTimeout(PATIENCE_MS, () => settle('silent'));
    socket.once('connect', () => settle('answers'));
    socket.once('error', ({ code }: NodeJS.ErrnoException) =>
      settle(code === 'EACCES' || code === 'EPERM' ? 'denied' : 'silent'),
    );
  });
}

async function lookAtThrottle(socket: string, databases: readonly string[]): Promise<ThrottlePlace> {
  const saved = databases.flatMap((database) => {
    const counters = look(`${database}.counters`);
    return counters === null || counters === 'denied' ? [] : [counters.mtimeMs];
  });
  // Of several, the one of the service that runs is written to.
  const countersSavedMs = saved.length === 0 ? null : Math.max(...saved);
  const seen = look(socket);
  if (seen === null) {
    const wanted = databases.some((database) => look(database) !== null);
    return { socket, state: wanted ? 'stopped' : 'absent', countersSavedMs };
  }
  return { socket, state: seen === 'denied' ? 'denied' : await connects(socket), countersSavedMs };
}

/** When the store was last copied, by its own audit log; undefined when that cannot be read. */
async function lastBackup(database: string): Promise<number | null | undefined> {
  const { DatabaseSync } = await import('node:sqlite');
  try {
    const opened = new DatabaseSync(database, { readOnly: true });
    try {
      const row = opened.prepare("SELECT max(time_ms) AS ms FROM audit WHERE action = 'backup'").get();
      return row?.['ms'] == null ? null : Number(row['ms']);
    } finally {
      opened.close();
    }
  } catch {
    return undefined;
  }
}

async function lookAtStore(folder: string): Promise<StoreSeen[]> {
  const database = join(folder, 'keys.db');
  const seen = look(database);
  if (seen === null) return [];
  if (seen === 'denied') return [{ database, mode: null, masterKey: null, backedUpMs: undefined }];
  const file = join(folder, 'master.key');
  const key = look(file);
  return [
    {
      database,
      mode: seen.mode,
      masterKey: key === null || key === 'denied' ? null : { file, mode: key.mode },
      backedUpMs: await lastBackup(database),
    },
  ];
}

/** Where the throttle of this user, or that of the Debian package, keeps its database. */
export function databasesOfThrottle(env: NodeJS.ProcessEnv): readonly string[] {
  return [stateFolder(env), '/var/lib/postern/throttle'].map((folder) => join(folder, 'throttle.db'));
}

/** Folders in which there may be a store: the one that is named, or that of this user and of the package. */
export function foldersOfStores(given: string | undefined, env: NodeJS.ProcessEnv): readonly string[] {
  if (given === undefined) return [stateFolder(env), SERVICE_STORE];
  return isShared(given) ? [] : [given];
}

/**
 * Look at our own services, without changing or starting anything.
 *
 * @param service   where the throttle is asked; over TCP it is not looked at
 * @param databases where one of the throttle may be
 * @param stores    folders in which there may be keys
 */
export async function lookAtServices(
  service: string,
  databases: readonly string[],
  stores: readonly string[],
): Promise<Services> {
  const endpoint = parseEndpoint(service, 'service');
  const socket = endpoint.kind === 'unix' ? endpoint.path : null;
  return {
    throttle:
      socket === null
        ? { socket: service, state: 'absent', countersSavedMs: null }
        : await lookAtThrottle(socket, databases),
    stores: (await Promise.all([...new Set(stores)].map(lookAtStore))).flat(),
  };
}
