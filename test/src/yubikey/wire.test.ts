import { describe, expect, test } from 'vitest';
import { blankKey, createSoftwareKey } from '../../../src/lab/software-key.ts';
import type { HidDevice } from '../../../src/yubikey/device.ts';
import { RESET_REPORT } from '../../../src/yubikey/frame.ts';
import { answerHmac, readDeviceInfo, readSerial } from '../../../src/yubikey/read.ts';
import { Config, Extended, encodeSlot, NO_CODE, splitLongKey, Ticket } from '../../../src/yubikey/slot.ts';
import { exchange, readStatus, type Wire } from '../../../src/yubikey/wire.ts';
import { deleteSlot, swapSlots, updateSlot, writeSlot } from '../../../src/yubikey/write.ts';
import { type Faults, faulty } from '../../helpers/faulty-key.ts';
import { hex, vectors } from '../../helpers/yubikey-vectors.ts';

/** A clock that goes on by sleeping, so that no test waits. */
function wireTo(device: HidDevice, signal = new AbortController().signal): Wire {
  let now = 0;
  const sleep = async (ms: number) => {
    now += ms;
  };
  return { device, timing: { nowMs: () => now, sleep }, signal, answerMs: 2000, touchMs: 20_000 };
}

const OTP = {
  fixed: hex('000000000001'),
  uid: hex('010203040506'),
  key: hex('000102030405060708090a0b0c0d0e0f'),
  accessCode: NO_CODE,
  ticket: Ticket.enter,
  config: 0,
  extended: Extended.serialByApi | Extended.allowUpdate,
};

const HMAC = {
  ...OTP,
  ...splitLongKey(hex(vectors.hmac_sha1_challenge[0]?.key ?? '')),
  fixed: Buffer.alloc(0),
  ticket: Ticket.oathOrChallenge,
  config: Config.challenge | Config.short | Config.shortChallenge,
};

function key(faults: Faults = {}, version: readonly [number, number, number] = [5, 4, 3]) {
  const software = createSoftwareKey(blankKey(1_234_567, version), {
    nowMs: () => 0,
    touchAfterLooks: 3,
  });
  const { device, sent } = faulty(software.device, faults);
  return { software, sent, wire: wireTo(device) };
}

describe('reading', () => {
  test('the serial number, the status and the device information are read', async () => {
    const { wire } = key();
    const status = await readStatus(wire);
    expect(status).toMatchObject({ version: [5, 4, 3], slots: { 1: 'empty', 2: 'empty' } });
    expect(await readSerial(wire)).toBe(1_234_567);
    expect(await readDeviceInfo(wire, status)).toMatchObject({ serial: 1_234_567, locked: false });
  });

  test.for([
    ['a damaged answer', { damageAnswers: 1 }],
    ['a lost report', { loseReports: 1 }],
    ['a transfer that stalls', { stalls: 2 }],
    ['a key that is busy for a while', { busyLooks: 20 }],
  ] as const)('%s is got over', async ([, faults]) => {
    expect(await readSerial(key(faults).wire)).toBe(1_234_567);
  });

  test.for([
    ['damages every answer', { damageAnswers: 99 }, 'E_DEVICE_CORRUPT'],
    ['stays busy', { busyLooks: 100_000 }, 'E_DEVICE_STUCK'],
    ['stalls for ever', { stalls: 100_000 }, 'E_DEVICE_STUCK'],
  ] as const)('a key that %s ends in time, with its cause', async ([, faults, code]) => {
    await expect(readSerial(key(faults).wire)).rejects.toMatchObject({ code, exit: 69 });
  });

  test('a serial number that is hidden is null, not an error', async () => {
    const { wire } = key();
    await writeSlot(wire, 1, encodeSlot({ ...OTP, extended: 0 }), NO_CODE);
    expect(await readSerial(wire)).toBeNull();
  });

  test('after an answer the key is reset', async () => {
    const { wire, sent } = key();
    await readSerial(wire);
    expect(sent.at(-1)).toEqual(RESET_REPORT);
  });

  test('a key that was left in the middle of an answer is reset before it is asked', async () => {
    const { wire, software } = key();
    await software.device.send(hex('0000000000000080'));
    await software.device.send(hex('00106b5b00000089'));
    expect(await readStatus(wire)).toMatchObject({ version: [5, 4, 3] });
  });
});

describe('challenge and response', () => {
  test.for(vectors.hmac_sha1_challenge)('$challenge is answered as published', async (vector) => {
    const { wire } = key();
    await writeSlot(wire, 2, encodeSlot({ ...HMAC, ...splitLongKey(hex(vector.key)) }), NO_CODE);
    expect((await answerHmac(wire, 2, hex(vector.challenge)))?.toString('hex')).toBe(vector.response);
  });

  test('a challenge that ends in zero is not cut', async () => {
    const { wire } = key();
    await writeSlot(wire, 2, encodeSlot(HMAC), NO_CODE);
    const one = await answerHmac(wire, 2, hex('01'));
    const other = await answerHmac(wire, 2, hex('0100'));
    expect(one?.toString('hex')).not.toBe(other?.toString('hex'));
  });

  test('a slot that needs a touch says so, and answers after it', async () => {
    const { wire } = key();
    await writeSlot(wire, 2, encodeSlot({ ...HMAC, config: HMAC.config | Config.needsTouch }), NO_CODE);
    const told: number[] = [];
    const [vector] = vectors.hmac_sha1_challenge;
    const asked = { ...wire, onTouch: (seconds: number) => told.push(seconds) };
    const response = await answerHmac(asked, 2, hex(vector?.challenge ?? ''));
    expect(response?.toString('hex')).toBe(vector?.response);
    expect(told).toEqual([15, 15, 15]);
  });

  test('whoever interrupts while the key waits leaves it reset', async () => {
    const { software } = key();
    const stop = new AbortController();
    const { device, sent } = faulty(software.device, {});
    const wire = { ...wireTo(device, stop.signal), onTouch: () => stop.abort(new Error('stopped')) };
    await writeSlot(wire, 2, encodeSlot({ ...HMAC, config: HMAC.config | Config.needsTouch }), NO_CODE);
    await expect(answerHmac(wire, 2, hex('01'))).rejects.toThrow('stopped');
    expect(sent.at(-1)).toEqual(RESET_REPORT);
    expect((await device.receive())[7]).toBe(0);
  });
});

describe('writing', () => {
  test('a slot is written, updated, swapped and deleted', async () => {
    const { wire, software } = key();
    expect(await writeSlot(wire, 1, encodeSlot(OTP), NO_CODE)).toMatchObject({ kind: 'done' });
    expect(software.press(1)).toMatch(/^cccccccccccb[cbdefghijklnrtuv]{32}$/);
    expect(await updateSlot(wire, 1, { ...OTP, ticket: 0 }, NO_CODE, NO_CODE)).toMatchObject({
      kind: 'done',
    });
    expect(await swapSlots(wire)).toMatchObject({
      kind: 'done',
      status: { slots: { 1: 'empty', 2: 'programmed' } },
    });
    expect(await deleteSlot(wire, 2, NO_CODE)).toMatchObject({ kind: 'done', status: { sequence: 0 } });
    expect(await deleteSlot(wire, 2, NO_CODE)).toMatchObject({ kind: 'refused' });
  });

  test('a protected slot takes its own code only, and the code can be taken away', async () => {
    const { wire } = key();
    const code = hex('a1a2a3a4a5a6');
    await writeSlot(wire, 1, encodeSlot({ ...OTP, accessCode: code }), NO_CODE);
    expect(await writeSlot(wire, 1, encodeSlot(OTP), NO_CODE)).toMatchObject({ kind: 'refused' });
    expect(await swapSlots(wire)).toMatchObject({ kind: 'refused' });
    expect(await updateSlot(wire, 1, OTP, NO_CODE, code)).toMatchObject({ kind: 'done' });
    expect(await writeSlot(wire, 1, encodeSlot(OTP), NO_CODE)).toMatchObject({ kind: 'done' });
  });

  test('a write that lost a report on the way is sent once more', async () => {
    const { wire, software } = key({ loseReports: 1 });
    expect(await writeSlot(wire, 1, encodeSlot(OTP), NO_CODE)).toMatchObject({ kind: 'done' });
    expect(software.state().slots[1]).not.toBeNull();
  });

  test('a NEO is made to read its sequence number again first', async () => {
    const { wire, software } = key({}, [3, 4, 0]);
    expect(await writeSlot(wire, 2, encodeSlot(OTP), NO_CODE)).toMatchObject({ kind: 'done' });
    expect(software.state().slots[2]).not.toBeNull();
  });

  test('a key that is unplugged in the middle of a frame is told as gone', async () => {
    const { wire } = key({ unplugAfterReports: 2 });
    await expect(writeSlot(wire, 1, encodeSlot(OTP), NO_CODE)).rejects.toThrow('gone');
  });

  test('nothing is begun after an interruption', async () => {
    const stop = new AbortController();
    stop.abort(new Error('stopped'));
    const { software } = key();
    const { device, sent } = faulty(software.device, {});
    await expect(exchange(wireTo(device, stop.signal), 1, new Uint8Array(58))).rejects.toThrow('stopped');
    expect(sent).toEqual([]);
  });
});
