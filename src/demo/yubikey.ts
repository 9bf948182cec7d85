import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeOtp } from '../keys/decode.ts';
import { confirmTyped, enrol } from '../keys/enrol.ts';
import { openOrCreateStore } from '../keys/open.ts';
import { contentFor } from '../keys/plan.ts';
import { newSlot, planOf } from '../keys/program.ts';
import { servedBy } from '../keys/served.ts';
import { spendOtp } from '../keys/spend.ts';
import type { KeyStore } from '../keys/store.ts';
import { loseKey } from '../keys/views.ts';
import { blankKey, createSoftwareKey, type SoftwareKey } from '../lab/software-key.ts';
import { addLogin } from '../logins/manage.ts';
import { openLogins } from '../logins/open.ts';
import { verifyLogin } from '../logins/verify.ts';
import { loginWorld } from '../logins/world.ts';
import type { Check } from '../report.ts';
import type { YubikeyStory } from '../schema/demo.ts';
import { validatorOpener } from '../validators/open.ts';
import type { Desk } from '../yubikey/device.ts';
import { NO_CODE } from '../yubikey/slot.ts';
import { type OpenKey, type Speaking, surveyDesk, withKey } from '../yubikey/survey.ts';
import { cloudOf, FACTORY_SLOT, type Judge, withOwnServer } from './yubikey-server.ts';

const SERIAL = 1_234_567;

/** A desk on which one key in software lies. */
function deskWith({ device }: SoftwareKey): Desk {
  const place = { node: 'a key in software', productId: 0x0401, release: 0x0543, open: async () => device };
  return { places: [place], strangers: [] };
}

function touch(key: SoftwareKey): string {
  return key.press(1) ?? '';
}

/** Program slot 1 and have it touched: what `yubikey program` does. */
async function programKey(open: OpenKey, store: KeyStore, key: SoftwareKey, nowMs: number, serial = SERIAL) {
  const content = contentFor({
    kind: 'yubico-otp',
    serial,
    version: open.status.version,
    publicId: 'serial',
    enter: true,
    touch: false,
    digits: 6,
    accessCode: NO_CODE,
  });
  const program = { slot: 1, kind: 'yubico-otp', content, oldCode: NO_CODE, before: undefined } as const;
  const id = await enrol(open, store, newSlot(open, program), [NO_CODE], nowMs);
  const record = store.slots(serial).find((each) => each.id === id);
  if (record) confirmTyped(store, record, touch(key), nowMs);
  return planOf(open, program);
}

const PASSWORD = 'correct horse';

/** Two accounts with the same key, one of them with a base password, and who gets in. */
async function tellLogins(
  folder: string,
  keys: KeyStore,
  key: SoftwareKey,
  nowMs: number,
  signal: AbortSignal,
): Promise<YubikeyStory['logins']> {
  const store = await openLogins({ folder });
  if (!store) return [];
  try {
    const local = { kind: 'local' } as const;
    const open = validatorOpener({
      store: servedBy(keys),
      nowMs: () => nowMs,
      readSecret: () => '',
      timeoutMs: 1000,
    });
    const world = loginWorld({ store, open, usual: local, nowMs: () => nowMs, failureMs: 1, signal });
    const wanted = { label: '', services: [], expiresMs: null, validator: local, to: null };
    const add = async (account: string, password: string | null) =>
      addLogin(
        store,
        await open(local),
        { ...wanted, account, password, kind: password === null ? 'otp' : 'password+otp' },
        touch(key),
        { nowMs, signal },
      );
    const told: YubikeyStory['logins'][number][] = [];
    const login = async (account: string, tried: string, password: string) => {
      const attempt = { account, password, otp: null, service: 'imap', address: '192.0.2.1' };
      told.push({ account, tried, verdict: (await verifyLogin(world, attempt)).kind });
    };
    await add('ann@example.org', null);
    await add('postmaster@example.org', PASSWORD);
    const otp = touch(key);
    await login('ann@example.org', 'a touch', otp);
    await login('ann@example.org', 'the same code again', otp);
    await login('postmaster@example.org', 'the password alone', PASSWORD);
    await login('postmaster@example.org', 'the password, and a touch of the same key', PASSWORD + touch(key));
    return told;
  } finally {
    await store.close();
  }
}

/** A key from the factory, and two servers that are asked about it: before it is programmed, after, and after a crash. */
async function tellServer(
  folder: string,
  keys: KeyStore,
  speaking: Speaking,
  program: readonly string[],
  nowMs: number,
): Promise<YubikeyStory['server']> {
  const serial = SERIAL + 1;
  const slots = { 1: FACTORY_SLOT, 2: null };
  const key = createSoftwareKey({ ...blankKey(serial), sequence: 1, slots }, { nowMs: () => nowMs });
  const cloud = await cloudOf(join(folder, 'cloud'), nowMs);
  const told: YubikeyStory['server'][number][] = [];
  const ask = async (asked: 'ours' | 'cloud', judge: Judge, tried: string, otp: string) => {
    told.push({ asked, tried, status: await judge.ask(otp) });
  };
  try {
    await withOwnServer(program, folder, nowMs, async (ours, killAndRestart) => {
      await ask('cloud', cloud, 'a touch, as it comes from the factory', touch(key));
      await ask('ours', ours, 'another touch', touch(key));
      await withKey(deskWith(key), serial, speaking, (open) => programKey(open, keys, key, nowMs, serial));
      key.replug();
      await ask('cloud', cloud, 'a touch, after it was programmed', touch(key));
      const otp = touch(key);
      await ask('ours', ours, 'another touch', otp);
      await ask('ours', ours, 'the same code again', otp);
      await killAndRestart();
      await ask('ours', ours, 'the same code, after kill -9 of the server', otp);
      await ask('ours', ours, 'a new touch', touch(key));
    });
    return told;
  } finally {
    await cloud.close();
  }
}

/**
 * Tell the story with a key in software and a store in a folder that is removed at the end: program the key, look
 * into an OTP, spend it, try it again, ask a server about it that is killed meanwhile, and lose the key.
 *
 * @param program  how this program is called
 */
export async function tellYubikey(
  speaking: Speaking,
  program: readonly string[],
  nowMs: number,
): Promise<YubikeyStory> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-demo-'));
  const { store } = await openOrCreateStore({ folder });
  try {
    const key = createSoftwareKey(blankKey(SERIAL), { nowMs: () => nowMs });
    const desk = deskWith(key);
    const before = await surveyDesk(desk, speaking);
    const plan = await withKey(desk, SERIAL, speaking, (open) => programKey(open, store, key, nowMs));
    key.replug();
    const otp = touch(key);
    const served = servedBy(store);
    const decoded = await decodeOtp(otp, { store: served });
    const first = (await spendOtp(served, otp, nowMs)).kind;
    const second = (await spendOtp(served, otp, nowMs)).kind;
    const logins = await tellLogins(folder, store, key, nowMs, speaking.signal);
    const server = await tellServer(folder, store, speaking, program, nowMs);
    const lost = await loseKey(served, SERIAL, nowMs);
    const afterLoss = (await spendOtp(served, touch(key), nowMs)).kind;
    return {
      story: 'yubikey',
      keys: before.map(({ view }) => view),
      plan,
      decoded,
      first,
      second,
      logins,
      server,
      lost: lost.disabled,
      afterLoss,
    };
  } finally {
    store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What the story should have shown. */
export function checkYubikey({ decoded, first, second, logins, server, afterLoss }: YubikeyStory): Check[] {
  const check = (id: string, good: boolean, message: string): Check => ({
    id,
    status: good ? 'ok' : 'crit',
    message,
  });
  return [
    check(
      'demo.yubikey.decrypts',
      decoded.privateId === 'match' && decoded.fields?.useCounter === 2,
      'The OTP decrypts with the key that was programmed, and its counters are right.',
    ),
    check(
      'demo.yubikey.once',
      first === 'accepted' && second === 'replayed',
      'It was accepted once, and refused again.',
    ),
    check(
      'demo.yubikey.logins',
      logins.map(({ verdict }) => verdict).join(' ') === 'accepted refused refused accepted',
      'A touch logs in once; a password alone does not; the key opens another account, too.',
    ),
    check(
      'demo.yubikey.server',
      server.map(({ status }) => status).join(' ') === 'OK BAD_OTP BAD_OTP OK REPLAYED_OTP REPLAYED_OTP OK',
      'Our server took each code once, also when it was killed; after programming, YubiCloud knows the key no more.',
    ),
    check('demo.yubikey.lost', afterLoss === 'disabled', 'After the key was lost, its next OTP was refused.'),
  ];
}
