import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { beforeEach, describe, expect, test } from 'vitest';
import { openExistingStore, openOrCreateStore } from '../../../src/keys/open.ts';
import { servedBy } from '../../../src/keys/served.ts';
import { spendOtp } from '../../../src/keys/spend.ts';
import type { KeyStore, NewSlot } from '../../../src/keys/store.ts';
import { encodeModhex } from '../../../src/otp/modhex.ts';
import { makeOtp } from '../../../src/otp/token.ts';
import { Extended, encodeSlot, NO_CODE, Ticket } from '../../../src/yubikey/slot.ts';
import { root } from '../../helpers/run.ts';
import { hex } from '../../helpers/yubikey-vectors.ts';

const AES = hex('000102030405060708090a0b0c0d0e0f');
const PRIVATE = '010203040506';
const FIXED = hex('ff0000000001');
const PUBLIC = encodeModhex(FIXED);

const SLOT: NewSlot = {
  serial: 1_234_567,
  slot: 2,
  kind: 'yubico-otp',
  publicId: PUBLIC,
  firmware: '5.4.3',
  oldCode: NO_CODE,
  config: encodeSlot({
    fixed: FIXED,
    uid: hex(PRIVATE),
    key: AES,
    accessCode: NO_CODE,
    ticket: Ticket.enter,
    config: 0,
    extended: Extended.serialByApi,
  }),
};

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-store-'));
});

function otp(useCounter: number, sessionUse: number, privateId = PRIVATE): string {
  return makeOtp(FIXED, { privateId, useCounter, sessionUse, timestamp: 8, random: 1 }, AES);
}

async function withActiveKey(): Promise<KeyStore> {
  const { store } = await openOrCreateStore({ folder });
  const id = store.begin(SLOT, 1);
  store.wasWritten(id, 2);
  store.activate(id, 3, { useCounter: 1, sessionUse: 0, timestamp: 8 });
  return store;
}

describe('an OTP', () => {
  test('is accepted once, and neither it nor an earlier one ever again', async () => {
    const store = await withActiveKey();
    expect((await spendOtp(servedBy(store), otp(1, 0), 4)).kind).toBe('replayed');
    expect(await spendOtp(servedBy(store), otp(3, 1), 4)).toMatchObject({
      kind: 'accepted',
      fields: { useCounter: 3 },
    });
    expect((await spendOtp(servedBy(store), otp(3, 1), 5)).kind).toBe('replayed');
    expect((await spendOtp(servedBy(store), otp(3, 0), 5)).kind).toBe('replayed');
    expect((await spendOtp(servedBy(store), otp(2, 255), 5)).kind).toBe('replayed');
    expect((await spendOtp(servedBy(store), otp(3, 2), 5)).kind).toBe('accepted');
  });

  test.for([
    ['of a key nobody knows', `${'c'.repeat(12)}${otp(9, 0).slice(12)}`, 'unknown-key'],
    ['with another private id', otp(9, 0, '010203040507'), 'wrong'],
    ['with a letter changed', `${otp(9, 0).slice(0, -1)}c`, 'wrong'],
    ['that is none', 'hello', 'no-otp'],
  ] as const)('%s is refused, and moves no counter', async ([, typed, kind]) => {
    const store = await withActiveKey();
    expect((await spendOtp(servedBy(store), typed, 4)).kind).toBe(kind);
    expect(store.key(PUBLIC)?.counters).toEqual({ useCounter: 1, sessionUse: 0 });
  });

  test('of a lost key is refused and spent all the same', async () => {
    const store = await withActiveKey();
    expect(store.disable(SLOT.serial, 4)).toEqual([PUBLIC]);
    expect((await spendOtp(servedBy(store), otp(5, 0), 5)).kind).toBe('disabled');
    expect(store.key(PUBLIC)?.counters).toEqual({ useCounter: 5, sessionUse: 0 });
  });

  test('shown to anybody holds no private id', async () => {
    const store = await withActiveKey();
    expect(JSON.stringify(await spendOtp(servedBy(store), otp(5, 0), 5))).not.toContain(PRIVATE);
  });

  test('that several processes get at the same time is fresh for one of them', async () => {
    (await withActiveKey()).close();
    const argv = [join(folder, 'keys.db'), join(folder, 'master.key'), PUBLIC, '200'];
    const spend = () => promisify(execFile)(process.execPath, [`${root}test/helpers/spender.ts`, ...argv]);
    const fresh = (await Promise.all([spend(), spend(), spend()])).map(({ stdout }) => Number(stdout));
    // 1.0 is spent before they begin.
    expect(fresh.reduce((sum, each) => sum + each, 0)).toBe(199);
  });
});

describe('the store', () => {
  test('is ours alone, and holds no secret in clear', async () => {
    const store = await withActiveKey();
    store.close();
    expect(statSync(folder).mode & 0o077).toBe(0);
    expect(statSync(join(folder, 'master.key')).mode & 0o777).toBe(0o400);
    for (const name of readdirSync(folder)) {
      expect(statSync(join(folder, name)).mode & 0o077, name).toBe(0);
      const bytes = readFileSync(join(folder, name));
      expect(bytes.includes(AES), name).toBe(false);
      expect(bytes.includes(hex(PRIVATE)), name).toBe(false);
    }
  });

  test('without its master key is refused with 78, and gets no new one', async () => {
    (await withActiveKey()).close();
    rmSync(join(folder, 'master.key'));
    await expect(openOrCreateStore({ folder })).rejects.toMatchObject({ code: 'E_MASTER_KEY', exit: 78 });
    expect(readdirSync(folder)).not.toContain('master.key');
  });

  test('under another master key is refused with 78', async () => {
    (await withActiveKey()).close();
    const other = mkdtempSync(join(tmpdir(), 'postern-store-'));
    (await openOrCreateStore({ folder: other })).store.close();
    const place = { folder, masterKeyFile: join(other, 'master.key') };
    await expect(openExistingStore(place)).rejects.toMatchObject({ code: 'E_MASTER_KEY', exit: 78 });
  });

  test('that others can read is refused with 77', async () => {
    (await withActiveKey()).close();
    chmodSync(join(folder, 'keys.db'), 0o644);
    await expect(openExistingStore({ folder })).rejects.toMatchObject({ exit: 77 });
  });

  test('of a newer program is refused with 78', async () => {
    (await withActiveKey()).close();
    const database = new DatabaseSync(join(folder, 'keys.db'));
    database.exec('PRAGMA user_version = 99');
    database.close();
    await expect(openExistingStore({ folder })).rejects.toMatchObject({ code: 'E_STORE_NEWER', exit: 78 });
  });

  test('notices a secret that was moved to another key', async () => {
    const store = await withActiveKey();
    store.close();
    const database = new DatabaseSync(join(folder, 'keys.db'));
    database.exec("UPDATE keys SET public_id = 'vvccccccccci'");
    database.close();
    const again = await openExistingStore({ folder });
    expect(() => again?.secretOf('vvccccccccci')).toThrow(/was changed/);
  });

  test('is not made by looking', async () => {
    expect(await openExistingStore({ folder })).toBeUndefined();
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('the record of a slot', () => {
  test('is served only after it was written, and taken only after it was seen to work', async () => {
    const { store } = await openOrCreateStore({ folder });
    const id = store.begin(SLOT, 1);
    expect(store.key(PUBLIC)).toBeUndefined();
    store.wasWritten(id, 2);
    expect((await spendOtp(servedBy(store), otp(1, 0), 3)).kind).toBe('disabled');
    store.activate(id, 4);
    expect((await spendOtp(servedBy(store), otp(1, 1), 5)).kind).toBe('accepted');
  });

  test('replaces what was in the slot, and stops serving it', async () => {
    const store = await withActiveKey();
    const id = store.begin({ ...SLOT, publicId: 'vvcccccccccd' }, 5);
    expect(store.key(PUBLIC)?.state).toBe('active');
    store.wasWritten(id, 6);
    expect(store.key(PUBLIC)?.state).toBe('disabled');
    expect(store.slots(SLOT.serial).map(({ state }) => state)).toEqual(['written', 'past']);
  });

  test('follows a swap and a deletion', async () => {
    const store = await withActiveKey();
    store.wereSwapped(SLOT.serial, 5);
    expect(store.slots()[0]).toMatchObject({ slot: 1, state: 'current' });
    store.wasDeleted(SLOT.serial, 1, 6);
    expect(store.slots()[0]).toMatchObject({ slot: 1, state: 'past' });
    expect(store.key(PUBLIC)?.state).toBe('disabled');
  });
});
