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

/** Write down what was done, in the transaction in which it is done. */
export function writeAudit(database: DatabaseSync, entry: Omit<AuditEntry, 'number'>): void {
  const last = database.prepare('SELECT n, hash FROM audit ORDER BY n DESC LIMIT 1').get();
  const whole = { number: Number(last?.['n'] ?? 0) + 1, ...entry };
  const hash = hashOf((last?.['hash'] as Uint8Array | undefined) ?? START, whole);
  database
    .prepare('INSERT INTO audit (n, time_ms, actor, action, subject, hash) VALUES (?, ?, ?, ?, ?, ?)')
    .run(whole.number, whole.timeMs, whole.actor, whole.action, whole.subject, hash);
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

/** Walk the whole chain. */
export function checkAudit(database: DatabaseSync, latest: number): AuditState {
  let before: Uint8Array = START;
  let entries = 0;
  const kept: AuditEntry[] = [];
  for (const row of database.prepare('SELECT * FROM audit ORDER BY n').iterate()) {
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
