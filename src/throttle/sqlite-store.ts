import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { AppError, ExitCode } from '../errors.ts';
import { makeFolder } from '../folder.ts';
import { clientOf } from './client.ts';
import type { BlockCause } from './engine.ts';
import type { Mode, RefusalStatus, Site } from './site.ts';
import type { Change, Store, StoredBlock, Tipping } from './store.ts';

/** Each step brings the database from its number to the next; they are never changed, only added to. */
export const STEPS: readonly string[] = [
  `CREATE TABLE site (
     number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, aliases TEXT NOT NULL, requests INTEGER NOT NULL,
     bytes INTEGER NOT NULL, mode TEXT NOT NULL, temporary TEXT, refusal INTEGER NOT NULL, note TEXT NOT NULL
   ) STRICT;
   CREATE TABLE exemption (
     network TEXT NOT NULL, site TEXT NOT NULL, reason TEXT NOT NULL, until_ms INTEGER, PRIMARY KEY (network, site)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE block (
     site INTEGER NOT NULL, client TEXT NOT NULL, cause TEXT NOT NULL, requests INTEGER NOT NULL,
     bytes INTEGER NOT NULL, start_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL, tipping TEXT,
     PRIMARY KEY (site, client)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE traffic (
     site INTEGER NOT NULL, minute INTEGER NOT NULL, served INTEGER NOT NULL, bytes INTEGER NOT NULL,
     refused INTEGER NOT NULL, PRIMARY KEY (site, minute)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE audit (at_ms INTEGER NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL, detail TEXT NOT NULL) STRICT;
   CREATE INDEX audit_by_time ON audit (at_ms);`,
  'ALTER TABLE site ADD COLUMN budget TEXT;',
  `CREATE TABLE change (
     kind TEXT NOT NULL, name TEXT NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY (kind, name)
   ) STRICT, WITHOUT ROWID;`,
];

/** How long figures and the audit are kept, in milliseconds. */
const MONTH_MS = 31 * 86_400_000;
const AUDIT_MS = 366 * 86_400_000;

type Row = Readonly<Record<string, string | number | bigint | null | Uint8Array>>;

function cannotOpen(file: string, cause: unknown): AppError {
  return new AppError(`Cannot use the database '${file}': ${(cause as Error).message}.`, {
    code: 'E_STORE',
    exit: ExitCode.config,
    hint: 'It has to be a file of the service, in a folder that it may write to.',
    cause,
  });
}

/** Bring a database up to date, in one transaction. @throws AppError E_STORE (exit 78) when it is newer than we are */
function migrate(db: DatabaseSync, file: string): void {
  const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number };
  if (version > STEPS.length) {
    throw new AppError(`The database '${file}' was written by a newer postern.`, {
      code: 'E_STORE',
      exit: ExitCode.config,
      hint: 'Use that version, or another file.',
    });
  }
  if (version === STEPS.length) return;
  db.exec(
    `BEGIN IMMEDIATE; ${STEPS.slice(version).join('\n')} PRAGMA user_version = ${STEPS.length}; COMMIT;`,
  );
}

/** Do all of it or nothing: after a failure nothing is left open, or nothing would ever be written again. */
function inTransaction(db: DatabaseSync, work: () => void): void {
  db.exec('BEGIN');
  try {
    work();
    db.exec('COMMIT');
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

async function open(file: string): Promise<DatabaseSync> {
  const { DatabaseSync: Database } = await import('node:sqlite');
  try {
    if (file !== ':memory:' && !existsSync(dirname(file))) makeFolder(dirname(file), 0o700);
    const db = new Database(file);
    // One writer; a crash of the process loses nothing, a power cut at most the last moment.
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 2000;');
    migrate(db, file);
    return db;
  } catch (error) {
    throw error instanceof AppError ? error : cannotOpen(file, error);
  }
}

function siteOf(row: Row): Site {
  return {
    number: Number(row['number']),
    name: String(row['name']),
    aliases: JSON.parse(String(row['aliases'])) as string[],
    policy: {
      limits: { requests: Number(row['requests']), bytes: Number(row['bytes']) },
      mode: row['mode'] as Mode,
    },
    temporary: row['temporary'] === null ? null : (JSON.parse(String(row['temporary'])) as Site['temporary']),
    budget: row['budget'] === null ? null : (JSON.parse(String(row['budget'])) as Site['budget']),
    refusal: Number(row['refusal']) as RefusalStatus,
    note: String(row['note']),
  };
}

/** A block as it was saved; nothing when its client is no address any more, such as after a change of the prefix. */
function blockOf(row: Row): StoredBlock[] {
  const text = String(row['client']);
  const [address = '', bits] = text.split('/');
  const client = clientOf(address, bits === undefined ? 128 : Number(bits));
  if (client === null) return [];
  return [
    {
      block: {
        site: Number(row['site']),
        client,
        limit: row['cause'] as BlockCause,
        requests: Number(row['requests']),
        bytes: Number(row['bytes']),
        startMs: Number(row['start_ms']),
        untilMs: Number(row['until_ms']),
      },
      tipping: row['tipping'] === null ? null : (JSON.parse(String(row['tipping'])) as Tipping),
    },
  ];
}

/**
 * The store in SQLite, one file; `:memory:` keeps nothing.
 *
 * @throws AppError E_STORE (exit 78) when it cannot be used or is newer than this program
 */
export async function openSqliteStore(file: string): Promise<Store> {
  const db = await open(file);
  const statement = {
    sites: db.prepare('SELECT * FROM site'),
    saveSite: db.prepare('INSERT OR REPLACE INTO site VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'),
    removeSite: db.prepare('DELETE FROM site WHERE number = ?'),
    removeSiteBlocks: db.prepare('DELETE FROM block WHERE site = ?'),
    exemptions: db.prepare('SELECT * FROM exemption ORDER BY network, site'),
    saveExemption: db.prepare('INSERT OR REPLACE INTO exemption VALUES (?, ?, ?, ?)'),
    removeExemption: db.prepare('DELETE FROM exemption WHERE network = ? AND site = ?'),
    blocks: db.prepare('SELECT * FROM block'),
    saveBlock: db.prepare('INSERT OR REPLACE INTO block VALUES (?, ?, ?, ?, ?, ?, ?, ?)'),
    removeBlock: db.prepare('DELETE FROM block WHERE site = ? AND client = ?'),
    pruneBlocks: db.prepare('DELETE FROM block WHERE until_ms <= ?'),
    pruneTraffic: db.prepare('DELETE FROM traffic WHERE minute < ?'),
    pruneAudit: db.prepare('DELETE FROM audit WHERE at_ms < ?'),
    pruneExemptions: db.prepare('DELETE FROM exemption WHERE until_ms <= ?'),
    addTraffic: db.prepare(
      `INSERT INTO traffic VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
       served = served + excluded.served, bytes = bytes + excluded.bytes, refused = refused + excluded.refused`,
    ),
    traffic: db.prepare(
      `SELECT coalesce(sum(served), 0) AS served, coalesce(sum(bytes), 0) AS bytes,
       coalesce(sum(refused), 0) AS refused FROM traffic WHERE site = ? AND minute >= ?`,
    ),
    changes: db.prepare('SELECT * FROM change'),
    pruneChanges: db.prepare(
      `DELETE FROM change WHERE at_ms < ? AND kind != 'share' AND name NOT IN (
         SELECT name FROM site UNION SELECT network || ' ' || coalesce(nullif(site, ''), '*') FROM exemption)`,
    ),
    saveChange: db.prepare('INSERT OR REPLACE INTO change VALUES (?, ?, ?)'),
    audit: db.prepare('INSERT INTO audit VALUES (?, ?, ?, ?)'),
  };
  return {
    sites: () => (statement.sites.all() as Row[]).map(siteOf),
    saveSite: ({ number, name, aliases, policy, temporary, budget, refusal, note }) => {
      const { requests, bytes } = policy.limits;
      const later = temporary === null ? null : JSON.stringify(temporary);
      statement.saveSite.run(
        number,
        name,
        JSON.stringify(aliases),
        requests,
        bytes,
        policy.mode,
        later,
        refusal,
        note,
        budget === null ? null : JSON.stringify(budget),
      );
    },
    removeSite: (number) => {
      statement.removeSite.run(number);
      statement.removeSiteBlocks.run(number);
    },
    exemptions: () =>
      (statement.exemptions.all() as Row[]).map((row) => ({
        network: String(row['network']),
        site: row['site'] === '' ? null : String(row['site']),
        reason: String(row['reason']),
        untilMs: row['until_ms'] === null ? null : Number(row['until_ms']),
      })),
    saveExemption: ({ network, site, reason, untilMs }) => {
      statement.saveExemption.run(network, site ?? '', reason, untilMs);
    },
    removeExemption: (network, site) => statement.removeExemption.run(network, site ?? '').changes > 0,
    blocks: () => (statement.blocks.all() as Row[]).flatMap(blockOf),
    saveBlock: ({ block, tipping }) => {
      const { site, client, limit, requests, bytes, startMs, untilMs } = block;
      const by = tipping === null ? null : JSON.stringify(tipping);
      statement.saveBlock.run(site, client.text, limit, requests, bytes, startMs, untilMs, by);
    },
    removeBlock: (site, client) => {
      statement.removeBlock.run(site, client);
    },
    prune: (nowMs) => {
      statement.pruneBlocks.run(nowMs);
      statement.pruneExemptions.run(nowMs);
      statement.pruneTraffic.run(Math.floor((nowMs - MONTH_MS) / 60_000));
      statement.pruneAudit.run(nowMs - AUDIT_MS);
      // What was removed is remembered for as long: a machine that was away so long may bring it back.
      statement.pruneChanges.run(nowMs - AUDIT_MS);
    },
    addTraffic: (rows) =>
      inTransaction(db, () => {
        for (const { site, minute, servedRequests, servedBytes, refusedRequests } of rows)
          statement.addTraffic.run(site, minute, servedRequests, servedBytes, refusedRequests);
      }),
    together: (work) => inTransaction(db, work),
    traffic: (site, sinceMinute) => {
      const row = statement.traffic.get(site, sinceMinute) as Row;
      return {
        servedRequests: Number(row['served']),
        servedBytes: Number(row['bytes']),
        refusedRequests: Number(row['refused']),
      };
    },
    changes: () =>
      (statement.changes.all() as Row[]).map((row) => ({
        kind: row['kind'] as Change['kind'],
        name: String(row['name']),
        atMs: Number(row['at_ms']),
      })),
    saveChange: ({ kind, name, atMs }) => {
      statement.saveChange.run(kind, name, atMs);
    },
    audit: ({ atMs, action, subject, detail }) => {
      statement.audit.run(atMs, action, subject, detail);
    },
    close: () => db.close(),
  };
}
