import { mkdtempSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { openExistingStore, openOrCreateStore } from '../../../src/keys/open.ts';
import { MIGRATIONS } from '../../../src/keys/schema.ts';
import { servedBy } from '../../../src/keys/served.ts';
import { spendOtp } from '../../../src/keys/spend.ts';
import { encodeModhex } from '../../../src/otp/modhex.ts';
import { makeOtp } from '../../../src/otp/token.ts';
import { encodeSlot, NO_CODE, Ticket } from '../../../src/yubikey/slot.ts';
import { hex } from '../../helpers/yubikey-vectors.ts';

const AES = hex('000102030405060708090a0b0c0d0e0f');
const PRIVATE = '010203040506';
const FIXED = hex('ff0000000001');

function otp(useCounter: number): string {
  return makeOtp(FIXED, { privateId: PRIVATE, useCounter, sessionUse: 0, timestamp: 8, random: 1 }, AES);
}

function columnsOf(database: DatabaseSync, table: string): string {
  const rows = database.prepare('SELECT name FROM pragma_table_info(?)').all(table);
  return rows.map(({ name }) => String(name)).join(', ');
}

/** Put a database of an earlier program in its place, with the same rows as far as it had columns for them. */
function makeOlder(file: string, version: number): void {
  renameSync(file, `${file}.now`);
  writeFileSync(file, '', { mode: 0o600 });
  const old = new DatabaseSync(file);
  for (const step of MIGRATIONS.slice(0, version)) old.exec(step);
  old.exec(`PRAGMA user_version = ${version}; ATTACH '${file}.now' AS now`);
  for (const table of ['meta', 'keys', 'slots']) {
    const columns = columnsOf(old, table);
    old.exec(`INSERT INTO ${table} (${columns}) SELECT ${columns} FROM now.${table}`);
  }
  old.close();
}

test.for(MIGRATIONS.slice(1).map((_, at) => at + 1))(
  'a database of version %i is brought up to date: an OTP that was spent stays spent, the next one is taken',
  async (version) => {
    const folder = mkdtempSync(join(tmpdir(), 'postern-older-'));
    const { store } = await openOrCreateStore({ folder });
    const id = store.begin(
      {
        serial: 1_234_567,
        slot: 2,
        kind: 'yubico-otp',
        publicId: encodeModhex(FIXED),
        firmware: '5.4.3',
        oldCode: NO_CODE,
        config: encodeSlot({
          fixed: FIXED,
          uid: hex(PRIVATE),
          key: AES,
          accessCode: NO_CODE,
          ticket: Ticket.enter,
          config: 0,
          extended: 0,
        }),
      },
      1,
    );
    store.wasWritten(id, 2);
    store.activate(id, 3, { useCounter: 5, sessionUse: 0, timestamp: 8 });
    store.close();
    makeOlder(join(folder, 'keys.db'), version);

    const again = await openExistingStore({ folder });
    if (!again) throw new Error('the store is gone');
    expect(await spendOtp(servedBy(again), otp(5), 4)).toMatchObject({ kind: 'replayed' });
    expect(await spendOtp(servedBy(again), otp(6), 5)).toMatchObject({ kind: 'accepted' });
    again.close();
    expect(readdirSync(folder)).toContain(`keys.db.v${version}.bak`);
  },
);
