import { describe, expect, test } from 'vitest';
import { whyNot } from '../../../src/yubikey/commands.ts';
import { parseDeviceInfo } from '../../../src/yubikey/device-info.ts';
import { reportsOf } from '../../../src/yubikey/frame.ts';
import { decodeSlot, encodeSlot, encodeUpdate, kindOf, NO_CODE } from '../../../src/yubikey/slot.ts';
import { parseStatus, sequenceMoved } from '../../../src/yubikey/status.ts';
import { hex, vectors } from '../../helpers/yubikey-vectors.ts';

test.for(vectors.write_reports)('$what: the reports are as published', ({ command, payload, reports }) => {
  expect(reportsOf(command, hex(payload)).map((report) => Buffer.from(report).toString('hex'))).toEqual(
    reports,
  );
});

test.for(vectors.slot_config_52)('$what: the configuration is as published', ({ fields, config }) => {
  const content = {
    fixed: Buffer.alloc(0),
    uid: hex(fields.uid ?? '000000000000'),
    key: hex(fields.key ?? '00'.repeat(16)),
    accessCode: NO_CODE,
    extended: fields.ext ?? 0,
    ticket: fields.tkt ?? 0,
    config: fields.cfg ?? 0,
  };
  expect(encodeSlot(content).toString('hex')).toBe(config);
  expect(encodeSlot(decodeSlot(hex(config))).toString('hex')).toBe(config);
});

test.for([
  [0x20, 0x00, 'yubico-otp'],
  [0x20, 0x02, 'static'],
  [0x20, 0x20, 'static-ticket'],
  [0x40, 0x02, 'oath-hotp'],
  [0x40, 0x26, 'hmac-sha1'],
  [0x40, 0x20, 'yubico-challenge'],
] as const)('ticket %i and configuration %i are %s', ([ticket, config, kind]) => {
  expect(kindOf({ ticket, config, extended: 0 })).toBe(kind);
});

test('an update carries the flags it may change, and nothing else', () => {
  const update = decodeSlot(encodeUpdate({ ticket: 0xff, config: 0xff, extended: 0xff }, NO_CODE));
  expect(update).toMatchObject({ ticket: 0x3f, config: 0x0c, extended: 0xff });
  expect(update.key.every((byte) => byte === 0)).toBe(true);
});

describe('what a key says about itself', () => {
  test('the status of a real key is read', () => {
    expect(parseStatus(hex(vectors.status_report[0]?.report ?? ''))).toEqual({
      version: [4, 2, 7],
      sequence: 4,
      slots: { 1: 'programmed', 2: 'programmed' },
      touch: { 1: false, 2: true },
      ledInverted: false,
    });
  });

  test('the slots of a first-generation key are unknown, not empty', () => {
    expect(parseStatus(hex('0001030501000000')).slots).toEqual({ 1: 'unknown', 2: 'unknown' });
  });

  test('the device information of a real key is read', () => {
    expect(parseDeviceInfo(hex(vectors.device_info[0]?.response ?? ''))).toMatchObject({
      serial: 20_257_742,
      version: [5, 4, 3],
      formFactor: 'USB-C keychain',
      touchTimeoutS: 15,
      locked: false,
      usbSupported: ['OTP', 'U2F', 'OpenPGP', 'PIV', 'OATH', 'HSMAUTH', 'FIDO2'],
    });
  });

  test.for(['', '05', '0301ff00', '0202ff'])('device information that is cut off (%s) is none', (text) => {
    expect(parseDeviceInfo(hex(text))).toBeUndefined();
  });

  test('an old firmware is told with the number that is needed', () => {
    expect(whyNot([2, 2, 0], 'updating a slot')).toMatch(/needs firmware 2\.3\.0; this key has 2\.2\.0/);
    expect(whyNot([5, 4, 3], 'updating a slot')).toBeNull();
  });
});

test.for([
  ['went on by one', 4, 5, true, true],
  ['turned over', 255, 0, true, true],
  ['turned over to one', 255, 1, true, true],
  ['fell to nothing as no slot is left', 7, 0, false, true],
  ['stayed', 4, 4, true, false],
  ['fell to nothing though a slot is there', 7, 0, true, false],
] as const)('a sequence that %s', ([, before, after, programmed, moved]) => {
  const status = (sequence: number) =>
    parseStatus(Uint8Array.of(0, 5, 4, 3, sequence, programmed ? 1 : 0, 0, 0));
  expect(sequenceMoved(status(before), status(after))).toBe(moved);
});
