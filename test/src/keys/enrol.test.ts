import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { amend } from '../../../src/keys/amend.ts';
import { confirmTyped, enrol, writeAgain } from '../../../src/keys/enrol.ts';
import { openOrCreateStore } from '../../../src/keys/open.ts';
import { contentFor } from '../../../src/keys/plan.ts';
import { newSlot } from '../../../src/keys/program.ts';
import type { KeyStore, SlotRecord } from '../../../src/keys/store.ts';
import { unfinished } from '../../../src/keys/views.ts';
import { blankKey, createSoftwareKey, type SoftwareKey } from '../../../src/lab/software-key.ts';
import type { HidDevice } from '../../../src/yubikey/device.ts';
import { NO_CODE } from '../../../src/yubikey/slot.ts';
import type { OpenKey } from '../../../src/yubikey/survey.ts';
import { readStatus, type Wire } from '../../../src/yubikey/wire.ts';
import { hex } from '../../helpers/yubikey-vectors.ts';

const SERIAL = 1_234_567;
const CODE = hex('a1a2a3a4a5a6');

/** The machine dies at the nth report, to the key or from it: nothing of what follows happens. */
class PowerFailure extends Error {}

function dyingAt(device: HidDevice, reports: number): HidDevice {
  let left = reports;
  const live = () => {
    if (left <= 0) throw new PowerFailure();
    left -= 1;
  };
  return {
    ...device,
    send: async (report) => {
      live();
      await device.send(report);
    },
    receive: async () => {
      live();
      return device.receive();
    },
  };
}

async function opened(device: HidDevice): Promise<OpenKey> {
  let now = 0;
  const sleep = async (ms: number) => {
    now += ms;
  };
  const signal = new AbortController().signal;
  const wire: Wire = { device, timing: { nowMs: () => now, sleep }, signal, answerMs: 2000, touchMs: 2000 };
  const status = await readStatus(wire);
  const view = {
    serial: SERIAL,
    model: '',
    version: '5.4.3',
    formFactor: null,
    interfaces: [],
    slots: status.slots,
    node: '',
  };
  return { wire, status, view, info: null, owner: SERIAL };
}

function program(key: OpenKey, accessCode: Uint8Array) {
  const content = contentFor({
    kind: 'yubico-otp',
    serial: SERIAL,
    version: [5, 4, 3],
    publicId: 'serial',
    enter: true,
    touch: false,
    digits: 6,
    accessCode,
  });
  return newSlot(key, { slot: 1, kind: 'yubico-otp', content, oldCode: NO_CODE, before: undefined });
}

let store: KeyStore;
let software: SoftwareKey;

beforeEach(async () => {
  ({ store } = await openOrCreateStore({ folder: mkdtempSync(join(tmpdir(), 'postern-enrol-')) }));
  software = createSoftwareKey(blankKey(SERIAL), { nowMs: () => 0 });
});

function only(records: readonly SlotRecord[]): SlotRecord {
  const [record] = records;
  if (!record) throw new Error('there is no record');
  return record;
}

/** What --resume does. */
async function resume(): Promise<void> {
  const record = only(unfinished(store, SERIAL));
  if (record.state === 'pending') await writeAgain(await opened(software.device), store, record, 2);
  expect(confirmTyped(store, record, software.press(1) ?? '', 3)).toEqual({ kind: 'works' });
}

describe('enrolment', () => {
  test.for([
    ['without an access code', NO_CODE],
    ['with a new access code', CODE],
  ] as const)('%s goes on wherever the power failed', async ([, accessCode]) => {
    let reports = 0;
    for (let done = false; !done; reports += 1) {
      software = createSoftwareKey(blankKey(SERIAL), { nowMs: () => 0 });
      const key = await opened(software.device);
      const dying = { ...key, wire: { ...key.wire, device: dyingAt(software.device, reports) } };
      const slot = program(dying, accessCode);
      done = await enrol(dying, store, slot, [NO_CODE], 1).then(
        () => true,
        (error: unknown) => {
          expect(error).toBeInstanceOf(PowerFailure);
          return false;
        },
      );
      await resume();
      expect(store.key(slot.publicId ?? '')?.state).toBe('active');
    }
    // First, last, and those between that are not empty.
    expect(reports).toBeGreaterThan(6);
  });

  test('that is refused leaves a record that says so, and what was there', async () => {
    const key = await opened(software.device);
    await enrol(key, store, program(key, CODE), [NO_CODE], 1);
    const before = software.state();
    const locked = await opened(software.device);
    const again = enrol(locked, store, program(locked, NO_CODE), [NO_CODE], 2);
    await expect(again).rejects.toMatchObject({ code: 'E_REFUSED', exit: 77 });
    expect(software.state()).toEqual(before);
    expect(store.slots(SERIAL).map(({ state }) => state)).toEqual(
      expect.arrayContaining(['refused', 'written']),
    );
  });
});

test('a change of the access code goes on wherever the power failed, twice in a row', async () => {
  for (let first = 0; first < 60; first += 4) {
    for (let second = 0; second < 60; second += 4) {
      software = createSoftwareKey(blankKey(SERIAL), { nowMs: () => 0 });
      const key = await opened(software.device);
      const id = await enrol(key, store, program(key, CODE), [NO_CODE], 1);
      const record = only(store.slots(SERIAL).filter((each) => each.id === id));
      const change = async (deathAt: number, newCode: Uint8Array) => {
        const codes = [store.contentOf(record).accessCode, store.oldCodeOf(record)] as const;
        const free = await opened(software.device);
        const dying = { ...free, wire: { ...free.wire, device: dyingAt(software.device, deathAt) } };
        await amend(dying, store, { slot: 1, turn: {}, newCode, codes, record }, 2);
      };
      await change(first, hex('010203040506')).catch(() => undefined);
      await change(second, hex('0a0b0c0d0e0f')).catch(() => undefined);
      await change(Number.POSITIVE_INFINITY, NO_CODE);
      // Nothing protects it any more: it takes anything.
      const free = await opened(software.device);
      await enrol(free, store, program(free, NO_CODE), [NO_CODE], 3);
    }
  }
});
