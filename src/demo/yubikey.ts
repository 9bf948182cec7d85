import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeOtp } from '../keys/decode.ts';
import { confirmTyped, enrol } from '../keys/enrol.ts';
import { openOrCreateStore } from '../keys/open.ts';
import { contentFor } from '../keys/plan.ts';
import { newSlot, planOf } from '../keys/program.ts';
import { spendOtp } from '../keys/spend.ts';
import type { KeyStore } from '../keys/store.ts';
import { loseKey } from '../keys/views.ts';
import { blankKey, createSoftwareKey, type SoftwareKey } from '../lab/software-key.ts';
import type { Check } from '../report.ts';
import type { YubikeyStory } from '../schema/demo.ts';
import type { Desk } from '../yubikey/device.ts';
import { NO_CODE } from '../yubikey/slot.ts';
import { type OpenKey, type Speaking, surveyDesk, withKey } from '../yubikey/survey.ts';

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
async function programKey(open: OpenKey, store: KeyStore, key: SoftwareKey, nowMs: number) {
  const content = contentFor({
    kind: 'yubico-otp',
    serial: SERIAL,
    version: open.status.version,
    publicId: 'serial',
    enter: true,
    touch: false,
    digits: 6,
    accessCode: NO_CODE,
  });
  const program = { slot: 1, kind: 'yubico-otp', content, oldCode: NO_CODE, before: undefined } as const;
  const id = await enrol(open, store, newSlot(open, program), [NO_CODE], nowMs);
  const record = store.slots(SERIAL).find((each) => each.id === id);
  if (record) confirmTyped(store, record, touch(key), nowMs);
  return planOf(open, program);
}

/**
 * Tell the story with a key in software and a store in a folder that is removed at the end: program the key, look
 * into an OTP, spend it, try it again, and lose the key.
 */
export async function tellYubikey(speaking: Speaking, nowMs: number): Promise<YubikeyStory> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-demo-'));
  const { store } = await openOrCreateStore({ folder });
  try {
    const key = createSoftwareKey(blankKey(SERIAL), { nowMs: () => nowMs });
    const desk = deskWith(key);
    const before = await surveyDesk(desk, speaking);
    const plan = await withKey(desk, SERIAL, speaking, (open) => programKey(open, store, key, nowMs));
    key.replug();
    const otp = touch(key);
    const decoded = decodeOtp(otp, { store });
    const first = spendOtp(store, otp, nowMs).kind;
    const second = spendOtp(store, otp, nowMs).kind;
    const lost = loseKey(store, SERIAL, nowMs);
    const afterLoss = spendOtp(store, touch(key), nowMs).kind;
    return {
      story: 'yubikey',
      keys: before.map(({ view }) => view),
      plan,
      decoded,
      first,
      second,
      lost: lost.disabled,
      afterLoss,
    };
  } finally {
    store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What the story should have shown. */
export function checkYubikey({ decoded, first, second, afterLoss }: YubikeyStory): Check[] {
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
    check('demo.yubikey.lost', afterLoss === 'disabled', 'After the key was lost, its next OTP was refused.'),
  ];
}
