import { createHash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';

/** What somebody did to the server. Secrets are not part of it. */
export type AuditEntry = {
  readonly number: number;
  readonly timeMs: number;
  /** Who: the login name of the system, or a token's name. */
  readonly actor: string;
  /** What, such as `client add`. */
  readonly action: string;
  /** To what: a client's number, a public id. */
  readonly subject: string;
};

const START = Buffer.alloc(32);

/** Each entry is bound to all before it: nothing can be changed or left out in the middle without a trace. */
function hashOf(before: Uint8Array, { number, timeMs, actor, action, subject }: AuditEntry): Buffer {
  const text = JSON.stringify([number, timeMs, actor, action, subject]);
  return createHash('sha256').update(before).update(text).digest();
}

type Row = Readonly<Record<string, unknown>>;

/** The entry that comes after the last row there is, as values of a row: n, time_ms, actor, action, subject, hash. */
export function nextEntry(last: Row | undefined, entry: Omit<AuditEntry, 'number'>) {
  const number = Number(last?.['n'] ?? 0) + 1;
  const { timeMs, actor, action, subject } = entry;
  const before = (last?.['hash'] as Uint8Array | undefined) ?? START;
  return [number, timeMs, actor, action, subject, hashOf(before, { number, ...entry })] as const;
}

/** Write down what was done, in the transaction in which it is done. */
export function writeAudit(database: DatabaseSync, entry: Omit<AuditEntry, 'number'>): void {
  const last = database.prepare('SELECT n, hash FROM audit ORDER BY n DESC LIMIT 1').get();
  database
    .prepare('INSERT INTO audit (n, time_ms, actor, action, subject, hash) VALUES (?, ?, ?, ?, ?, ?)')
    .run(...nextEntry(last, entry));
}

export type AuditState = {
  readonly entries: number;
  /** The first entry that does not follow from those before it; null when all do. */
  readonly brokenAt: number | null;
  /** Of the last entry, in hexadecimal: kept elsewhere, it shows whether the end was cut off. */
  readonly head: string | null;
  /** The newest ones, oldest first. */
  readonly latest: readonly AuditEntry[];
};

/** Walk the whole chain, whose rows come in order. */
export async function checkAudit(
  rows: Iterable<Row> | AsyncIterable<Row>,
  latest: number,
): Promise<AuditState> {
  let before: Uint8Array = START;
  let entries = 0;
  const kept: AuditEntry[] = [];
  for await (const row of rows) {
    entries += 1;
    const entry: AuditEntry = {
      number: row['n'] as number,
      timeMs: row['time_ms'] as number,
      actor: row['actor'] as string,
      action: row['action'] as string,
      subject: row['subject'] as string,
    };
    kept.push(entry);
    if (kept.length > latest) kept.shift();
    const hash = row['hash'] as Uint8Array;
    if (entry.number !== entries || !hashOf(before, entry).equals(hash))
      return { entries, brokenAt: entries, head: null, latest: kept };
    before = hash;
  }
  return {
    entries,
    brokenAt: null,
    head: entries === 0 ? null : Buffer.from(before).toString('hex'),
    latest: kept,
  };
}
