import type { Check } from '../report.ts';

/** The throttle, as it is seen from outside. */
export type ThrottlePlace = {
  readonly socket: string;
  /** `absent`: no socket and no database, so nobody wants it here. */
  readonly state: 'absent' | 'stopped' | 'answers' | 'silent' | 'denied';
  /** When the counters were saved last, in milliseconds; null when they never were. */
  readonly countersSavedMs: number | null;
};

/** A store of keys, logins and clients. */
export type StoreSeen = {
  readonly database: string;
  /** Permission bits; null for a folder that this user may not look into. */
  readonly mode: number | null;
  readonly masterKey: { readonly file: string; readonly mode: number } | null;
  /** When "validation backup" copied it last; null for never, undefined when that cannot be read. */
  readonly backedUpMs: number | null | undefined;
};

/** Our own services, as far as there are any on this machine. */
export type Services = {
  readonly throttle: ThrottlePlace;
  readonly stores: readonly StoreSeen[];
};

/** The service saves its counters every ten seconds; when it did not for so long, that is no accident. */
const COUNTERS_STALE_MS = 10 * 60_000;

/** A backup older than this would bring back one-time passwords of weeks. */
const BACKUP_STALE_MS = 7 * 86_400_000;

const OTHERS = 0o077;

function examineThrottle({ socket, state, countersSavedMs }: ThrottlePlace, nowMs: number): Check[] {
  const about = { id: 'local.throttle', evidence: socket } as const;
  if (state === 'absent') return [];
  if (state === 'stopped' || state === 'silent') {
    return [
      {
        ...about,
        status: 'warn',
        message: `The throttle does not run: ${state === 'stopped' ? 'it has a database here, and no socket' : 'nobody answers at its socket'}.`,
        fix: 'Start it: systemctl start postern-throttle, or postern throttle serve.',
      },
    ];
  }
  if (state === 'denied') {
    return [
      {
        ...about,
        status: 'unknown',
        message: 'Whether the throttle runs cannot be told: you may not use its socket.',
        fix: 'Run it as root, or join the group of the socket.',
      },
    ];
  }
  const runs: Check = { ...about, status: 'ok', message: 'The throttle runs.' };
  if (countersSavedMs === null || nowMs - countersSavedMs <= COUNTERS_STALE_MS) return [runs];
  return [
    runs,
    {
      id: 'local.throttle-counters',
      status: 'warn',
      message: `The throttle saved its counters ${Math.round((nowMs - countersSavedMs) / 60_000)} minutes ago; a restart would forget what came since.`,
      evidence: new Date(countersSavedMs).toISOString(),
      fix: 'Look at the free space and the permissions of its folder, and at its log.',
    },
  ];
}

function examineFile(id: string, what: string, file: string, mode: number, right: string): Check {
  const open = (mode & OTHERS) !== 0;
  return {
    id,
    status: open ? 'crit' : 'ok',
    message: open ? `The ${what} can be read or changed by others.` : `The ${what} is its owner’s alone.`,
    evidence: `${file}, mode ${(mode & 0o777).toString(8)}`,
    ...(open && { fix: `chmod ${right} '${file}'; then find out who could read it.` }),
  };
}

function examineBackup({ database, backedUpMs }: StoreSeen, nowMs: number): Check[] {
  if (backedUpMs === undefined) return [];
  const about = { id: 'local.backup', evidence: database } as const;
  const fix = 'postern validation backup FILE, each night; and the master key once, apart from it.';
  if (backedUpMs === null) {
    return [{ ...about, status: 'warn', message: 'The store of keys was never backed up.', fix }];
  }
  const days = Math.floor((nowMs - backedUpMs) / 86_400_000);
  const when = days < 1 ? 'within a day' : `${days} ${days === 1 ? 'day' : 'days'} ago`;
  const stale = nowMs - backedUpMs > BACKUP_STALE_MS;
  const message = `The store of keys was backed up ${when}.`;
  return [{ ...about, status: stale ? 'warn' : 'ok', message, ...(stale && { fix }) }];
}

function examineStore(store: StoreSeen, nowMs: number): Check[] {
  const { database, mode, masterKey } = store;
  if (mode === null) {
    return [
      {
        id: 'local.store',
        status: 'ok',
        info: true,
        message: 'There is a store of keys that you may not look into.',
        evidence: database,
      },
    ];
  }
  return [
    examineFile('local.store', 'store of keys', database, mode, '600'),
    ...(masterKey === null
      ? []
      : [examineFile('local.master-key', 'master key', masterKey.file, masterKey.mode, '400')]),
    ...examineBackup(store, nowMs),
  ];
}

/** What is wrong with our own services; nothing at all where there are none. */
export function examineServices({ throttle, stores }: Services, nowMs: number): Check[] {
  return [...examineThrottle(throttle, nowMs), ...stores.flatMap((store) => examineStore(store, nowMs))];
}
