import { randomBytes } from 'node:crypto';
import type { StatementSync } from 'node:sqlite';
import { AppError, ExitCode } from '../errors.ts';
import type { Counters } from '../otp/token.ts';
import type { SlotNumber } from '../yubikey/commands.ts';
import { decodeSlot, type SlotContent, type SlotKind } from '../yubikey/slot.ts';
import { openDatabase, transaction } from './database.ts';
import type { MasterKey } from './master-key.ts';
import { seal, unseal } from './seal.ts';
import type { KeyChange, ServedKeys } from './served.ts';

/**
 * Where a record of a slot stands: to be written, written but not seen to work, in the key, replaced or deleted,
 * refused by the key.
 */
export type SlotRecordState = 'pending' | 'written' | 'current' | 'past' | 'refused';

/** What was written into a slot, without its secrets. */
export type SlotRecord = {
  readonly id: string;
  readonly serial: number;
  readonly slot: SlotNumber;
  readonly kind: SlotKind;
  readonly state: SlotRecordState;
  /** In modhex; null for what is no Yubico OTP. */
  readonly publicId: string | null;
  readonly firmware: string;
  /** Milliseconds since the epoch. */
  readonly createdMs: number;
  readonly changedMs: number;
};

/** What is to be written into a slot. */
export type NewSlot = Pick<SlotRecord, 'serial' | 'slot' | 'kind' | 'publicId' | 'firmware'> & {
  /** The 52 bytes that will be written. */
  readonly config: Uint8Array;
  /** The access code that the slot has before. */
  readonly oldCode: Uint8Array;
};

/** Whether the OTPs of a key are taken. */
export type KeyState = 'written' | 'active' | 'disabled';

/** What validation needs to know of a key. */
export type KeyRecord = {
  readonly publicId: string;
  readonly state: KeyState;
  readonly serial: number | null;
  readonly counters: Counters;
  /** Of the last OTP; null when it is not known. */
  readonly timestamp: number | null;
  readonly createdMs: number;
  /** Milliseconds since the epoch; null when no OTP of it was seen. */
  readonly seenMs: number | null;
};

/** A key that was programmed elsewhere. */
export type NewKey = Pick<KeyRecord, 'publicId' | 'state' | 'serial'> & {
  readonly secret: OtpSecret;
  readonly counters: SeenCounters | null;
};

/** The last OTP that another server has taken. */
export type SeenCounters = Counters & { readonly timestamp: number | null };

/** The secrets of a Yubico OTP. */
export type OtpSecret = {
  /** 6 bytes. */
  readonly privateId: Uint8Array;
  /** 16 bytes. */
  readonly aesKey: Uint8Array;
};

/** Outcome of spending an OTP: it counts once, ever. */
export type Spent = { readonly kind: 'fresh'; readonly state: KeyState } | { readonly kind: 'used' };

/**
 * The keys of an organisation: secrets, counters, and what was written where. Every method that changes something
 * has it on the disk when it returns; all may throw AppError E_STORE.
 */
export type KeyStore = {
  /** Record what will be written, before it is. @returns the id of the record */
  readonly begin: (slot: NewSlot, nowMs: number) => string;
  /** The key took it; a Yubico OTP now has its row for validation, which takes no OTP yet. */
  readonly wasWritten: (id: string, nowMs: number) => void;
  readonly wasRefused: (id: string, nowMs: number) => void;
  /** It was seen to work; what was in the slot before is past. */
  readonly activate: (id: string, nowMs: number, seen?: Counters & { readonly timestamp: number }) => void;
  /** Flags or access code are about to be changed; the code until then is kept beside the new one. */
  readonly willUpdate: (id: string, config: Uint8Array, oldCode: Uint8Array, nowMs: number) => void;
  readonly wasDeleted: (serial: number, slot: SlotNumber, nowMs: number) => void;
  readonly wereSwapped: (serial: number, nowMs: number) => void;
  /** A negative number that no key has, for one that shows no serial number. */
  readonly freeNumber: () => number;
  /** Records of one key, or of all, the newest first. */
  readonly slots: (serial?: number) => SlotRecord[];
  /** The configuration of a record with its secrets. */
  readonly contentOf: (record: Pick<SlotRecord, 'id'>) => SlotContent;
  /** The access code that the slot had before a record was written. */
  readonly oldCodeOf: (record: Pick<SlotRecord, 'id'>) => Uint8Array;
  readonly key: (publicId: string) => KeyRecord | undefined;
  readonly keys: () => KeyRecord[];
  readonly secretOf: (publicId: string) => OtpSecret | undefined;
  /**
   * Spend an OTP: one conditional write, so that of any number of requests with the same one, in any number of
   * processes, exactly one is `fresh`. The OTP of a disabled key is spent, too: it must not count once the key is
   * enabled again.
   */
  readonly spend: (publicId: string, otp: Counters & { readonly timestamp: number }, nowMs: number) => Spent;
  /** Record a key that is not known yet; one that is stays as it was. */
  readonly add: (key: NewKey, nowMs: number) => void;
  /** See {@link ServedKeys.apply}. */
  readonly apply: (changes: readonly KeyChange[], nowMs: number) => boolean;
  /** Take no OTP of a key any more. @returns the public ids that were active */
  readonly disable: (serial: number, nowMs: number) => string[];
  readonly close: () => void;
};

type Row = Readonly<Record<string, unknown>>;

const CHECK = 'master-key-check';

function recordOf(row: Row): SlotRecord {
  return {
    id: row['id'] as string,
    serial: row['serial'] as number,
    slot: row['slot'] as SlotNumber,
    kind: row['kind'] as SlotKind,
    state: row['state'] as SlotRecordState,
    publicId: row['public_id'] as string | null,
    firmware: row['firmware'] as string,
    createdMs: row['created_ms'] as number,
    changedMs: row['changed_ms'] as number,
  };
}

/** A row of `keys`. */
export function keyOf(row: Row): KeyRecord {
  return {
    publicId: row['public_id'] as string,
    state: row['state'] as KeyState,
    serial: row['serial'] as number | null,
    counters: { useCounter: row['use_counter'] as number, sessionUse: row['session_use'] as number },
    timestamp: row['timestamp'] as number | null,
    createdMs: row['created_ms'] as number,
    seenMs: row['seen_ms'] as number | null,
  };
}

/** What a row of `meta` has, by which a database knows its master key. */
export function masterKeyCheck(masterKey: MasterKey): readonly [name: string, value: Uint8Array] {
  return [CHECK, seal(masterKey, Buffer.from(CHECK), CHECK)];
}

/**
 * A database of another master key is noticed before anything is read or written.
 *
 * @param value  what the row of {@link masterKeyCheck} has
 * @throws AppError E_MASTER_KEY (exit 78)
 */
export function requireMasterKey(masterKey: MasterKey, value: Uint8Array, name: string): void {
  if (unseal(masterKey, value, CHECK)) return;
  throw new AppError(`The master key is not the one of '${name}'.`, {
    code: 'E_MASTER_KEY',
    exit: ExitCode.config,
    hint: 'Give the key that belongs to this database with --master-key-file.',
  });
}

/** A key that was to be added is there: all that was begun is undone. */
class IsThere extends Error {}

function damaged(what: string): AppError {
  return new AppError(`The secret of ${what} cannot be opened: its record was changed.`, {
    code: 'E_STORE_DAMAGED',
    exit: ExitCode.unavailable,
    hint: 'Restore the database from its backup.',
  });
}

/** The secrets in a row of `keys`. @throws AppError E_STORE_DAMAGED (exit 69) */
export function secretIn(masterKey: MasterKey, row: Row): OtpSecret {
  const publicId = row['public_id'] as string;
  const secret = unseal(masterKey, row['secret'] as Uint8Array, aboutKey(publicId));
  if (!secret) throw damaged(`key ${publicId}`);
  return { privateId: secret.subarray(0, 6), aesKey: secret.subarray(6) };
}

const aboutSlot = (id: string) => `slot:${id}`;
const aboutCode = (id: string) => `code:${id}`;
/** What the secrets of a public id are sealed for. */
export function aboutKey(publicId: string): string {
  return `key:1:${publicId}`;
}

/**
 * Open the store of keys.
 *
 * @throws AppError E_MASTER_KEY (exit 78) for another master key, E_STORE_NEWER (exit 78), E_STORE (exit 69)
 */
export async function openKeyStore(file: string, masterKey: MasterKey): Promise<KeyStore> {
  const database = await openDatabase(file);
  try {
    database
      .prepare('INSERT OR IGNORE INTO meta (name, value) VALUES (?, ?)')
      .run(...masterKeyCheck(masterKey));
    const row = database.prepare('SELECT value FROM meta WHERE name = ?').get(CHECK);
    requireMasterKey(masterKey, row?.['value'] as Uint8Array, file);
  } catch (error) {
    database.close();
    throw error;
  }
  const prepared = new Map<string, StatementSync>();
  const sql = (text: string): StatementSync => {
    const statement = prepared.get(text) ?? database.prepare(text);
    prepared.set(text, statement);
    return statement;
  };
  const slotRow = (id: string): Row => {
    const row = sql('SELECT * FROM slots WHERE id = ?').get(id);
    if (!row) throw damaged(`record ${id}`);
    return row;
  };
  const open = (row: Row, column: 'config' | 'old_code', about: string): Buffer => {
    const secret = unseal(masterKey, row[column] as Uint8Array, about);
    if (!secret) throw damaged(`key ${row['serial'] as number}`);
    return secret;
  };
  const configOf = (id: string) => open(slotRow(id), 'config', aboutSlot(id));
  const setState = (id: string, state: SlotRecordState, nowMs: number) =>
    sql('UPDATE slots SET state = ?, changed_ms = ? WHERE id = ?').run(state, nowMs, id);
  const spend = sql(
    `UPDATE keys SET use_counter = ?1, session_use = ?2, timestamp = ?3, seen_ms = ?4
     WHERE public_id = ?5 AND (use_counter, session_use) < (?1, ?2) RETURNING state`,
  );
  /** Whatever was recorded for a slot before is past, and its public ids are served no more. */
  const retire = (serial: number, slot: SlotNumber, nowMs: number, but = '') => {
    const rows = sql(
      `UPDATE slots SET state = 'past', changed_ms = ?
       WHERE serial = ? AND slot = ? AND state IN ('current', 'written') AND id <> ? RETURNING public_id`,
    ).all(nowMs, serial, slot, but);
    const kept = but === '' ? null : slotRow(but)['public_id'];
    for (const { public_id: publicId } of rows) {
      if (typeof publicId === 'string' && publicId !== kept)
        sql("UPDATE keys SET state = 'disabled', changed_ms = ? WHERE public_id = ?").run(nowMs, publicId);
    }
  };
  const serve = (publicId: string, serial: number, config: Uint8Array, nowMs: number) => {
    const { uid, key } = decodeSlot(config);
    const secret = seal(masterKey, Buffer.concat([uid, key]), aboutKey(publicId));
    sql(
      `INSERT INTO keys (public_id, state, secret, serial, created_ms, changed_ms) VALUES (?1, 'written', ?2, ?3, ?4, ?4)
       ON CONFLICT (public_id) DO UPDATE SET state = 'written', secret = ?2, serial = ?3, changed_ms = ?4,
         use_counter = -1, session_use = -1, timestamp = NULL, seen_ms = NULL`,
    ).run(publicId, secret, serial, nowMs);
  };
  const add = ({ publicId, state, serial, secret, counters }: NewKey, nowMs: number): boolean => {
    const sealed = seal(masterKey, Buffer.concat([secret.privateId, secret.aesKey]), aboutKey(publicId));
    const { changes } = sql(
      `INSERT INTO keys (public_id, state, secret, serial, use_counter, session_use, timestamp, created_ms, changed_ms)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8) ON CONFLICT (public_id) DO NOTHING`,
    ).run(
      publicId,
      state,
      sealed,
      serial,
      counters?.useCounter ?? -1,
      counters?.sessionUse ?? -1,
      counters?.timestamp ?? null,
      nowMs,
    );
    return Number(changes) > 0;
  };
  const raise = ({ publicId, state, counters }: Extract<KeyChange, { kind: 'raise' }>, nowMs: number) => {
    sql(
      `UPDATE keys SET state = CASE state WHEN 'disabled' THEN state ELSE ? END, changed_ms = ?
       WHERE public_id = ?`,
    ).run(state, nowMs, publicId);
    if (!counters) return;
    sql(
      `UPDATE keys SET use_counter = ?1, session_use = ?2, timestamp = ?3
       WHERE public_id = ?4 AND (use_counter, session_use) < (?1, ?2)`,
    ).run(counters.useCounter, counters.sessionUse, counters.timestamp, publicId);
  };

  return {
    begin: (slot, nowMs) => {
      const id = randomBytes(8).toString('hex');
      sql(
        `INSERT INTO slots (id, serial, slot, kind, state, public_id, config, old_code, firmware, created_ms, changed_ms)
         VALUES (?, ?, ?, ?, 'pending', ?, ?, ?, ?, ?, ?)`,
      ).run(
        id,
        slot.serial,
        slot.slot,
        slot.kind,
        slot.publicId,
        seal(masterKey, slot.config, aboutSlot(id)),
        seal(masterKey, slot.oldCode, aboutCode(id)),
        slot.firmware,
        nowMs,
        nowMs,
      );
      return id;
    },
    wasWritten: (id, nowMs) =>
      transaction(database, () => {
        const { serial, slot, publicId } = recordOf(slotRow(id));
        retire(serial, slot, nowMs, id);
        if (publicId !== null) serve(publicId, serial, configOf(id), nowMs);
        // From here on the slot has the new access code, whatever it had before.
        const code = seal(masterKey, decodeSlot(configOf(id)).accessCode, aboutCode(id));
        sql('UPDATE slots SET old_code = ? WHERE id = ?').run(code, id);
        setState(id, 'written', nowMs);
      }),
    wasRefused: (id, nowMs) => {
      setState(id, 'refused', nowMs);
    },
    activate: (id, nowMs, seen) =>
      transaction(database, () => {
        const { publicId } = recordOf(slotRow(id));
        setState(id, 'current', nowMs);
        if (publicId === null) return;
        sql("UPDATE keys SET state = 'active', changed_ms = ? WHERE public_id = ?").run(nowMs, publicId);
        if (seen) spend.get(seen.useCounter, seen.sessionUse, seen.timestamp, nowMs, publicId);
      }),
    willUpdate: (id, config, oldCode, nowMs) => {
      sql('UPDATE slots SET config = ?, old_code = ?, changed_ms = ? WHERE id = ?').run(
        seal(masterKey, config, aboutSlot(id)),
        seal(masterKey, oldCode, aboutCode(id)),
        nowMs,
        id,
      );
    },
    wasDeleted: (serial, slot, nowMs) => transaction(database, () => retire(serial, slot, nowMs)),
    wereSwapped: (serial, nowMs) => {
      sql(
        `UPDATE slots SET slot = 3 - slot, changed_ms = ?
         WHERE serial = ? AND state IN ('current', 'written')`,
      ).run(nowMs, serial);
    },
    freeNumber: () =>
      Math.min(0, Number(sql('SELECT min(serial) AS least FROM slots').get()?.['least'] ?? 0)) - 1,
    slots: (serial) => {
      const order = 'ORDER BY changed_ms DESC, created_ms DESC';
      const rows =
        serial === undefined
          ? sql(`SELECT * FROM slots ${order}`).all()
          : sql(`SELECT * FROM slots WHERE serial = ? ${order}`).all(serial);
      return rows.map(recordOf);
    },
    contentOf: ({ id }) => decodeSlot(configOf(id)),
    oldCodeOf: ({ id }) => open(slotRow(id), 'old_code', aboutCode(id)),
    key: (publicId) => {
      const row = sql('SELECT * FROM keys WHERE public_id = ?').get(publicId);
      return row && keyOf(row);
    },
    keys: () => sql('SELECT * FROM keys ORDER BY public_id').all().map(keyOf),
    secretOf: (publicId) => {
      const row = sql('SELECT public_id, secret FROM keys WHERE public_id = ?').get(publicId);
      return row && secretIn(masterKey, row);
    },
    spend: (publicId, { useCounter, sessionUse, timestamp }, nowMs) => {
      const row = spend.get(useCounter, sessionUse, timestamp, nowMs, publicId);
      return row ? { kind: 'fresh', state: row['state'] as KeyState } : { kind: 'used' };
    },
    add: (key, nowMs) => {
      add(key, nowMs);
    },
    apply: (changes, nowMs) => {
      try {
        transaction(database, () => {
          for (const change of changes) {
            if (change.kind === 'raise') raise(change, nowMs);
            else if (!add(change.key, nowMs)) throw new IsThere();
          }
        });
        return true;
      } catch (error) {
        if (error instanceof IsThere) return false;
        throw error;
      }
    },
    disable: (serial, nowMs) =>
      sql(
        "UPDATE keys SET state = 'disabled', changed_ms = ? WHERE serial = ? AND state <> 'disabled' RETURNING public_id",
      )
        .all(nowMs, serial)
        .map((row) => row['public_id'] as string),
    close: () => database.close(),
  };
}
