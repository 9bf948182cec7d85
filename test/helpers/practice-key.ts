import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { blankKey } from '../../src/lab/software-key.ts';
import { softwareKeyIn, writeSoftwareKey } from '../../src/lab/software-key-file.ts';
import {
  Config,
  Extended,
  encodeSlot,
  NO_CODE,
  type SlotContent,
  splitLongKey,
  Ticket,
} from '../../src/yubikey/slot.ts';
import type { Version } from '../../src/yubikey/version.ts';

/** A key in software in a folder of its own, with what belongs to it in files. */
export type PracticeKey = {
  readonly folder: string;
  readonly file: string;
  readonly serial: number;
  /** Touch it: what is typed. */
  readonly press: (slot: 1 | 2) => string;
  /** Of slot 1, made before anything else. */
  readonly otp: string;
  readonly aesKeyFile: string;
  readonly codeFile: string;
  readonly challengeFile: string;
};

const AES = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');

const OTP: SlotContent = {
  fixed: Buffer.from('000000000001', 'hex'),
  uid: Buffer.from('010203040506', 'hex'),
  key: AES,
  accessCode: NO_CODE,
  ticket: Ticket.enter,
  config: 0,
  extended: Extended.serialByApi | Extended.allowUpdate,
};

const HMAC: SlotContent = {
  ...OTP,
  ...splitLongKey(Buffer.from('303132333435363738393a3b3c3d3e3f40414243', 'hex')),
  fixed: Buffer.alloc(0),
  ticket: Ticket.oathOrChallenge,
  config: Config.challenge | Config.short | Config.shortChallenge,
};

const held = (content: SlotContent) => ({
  config: encodeSlot(content).toString('hex'),
  useCounter: 0,
  sessionUse: -1,
  movingFactor: 0,
});

/** Make one: a Yubico OTP in slot 1, an HMAC challenge in slot 2. */
export function practiceKey({
  serial = 1_234_567,
  blank = false,
  version = [5, 4, 3] as Version,
} = {}): PracticeKey {
  const folder = mkdtempSync(join(tmpdir(), 'postern-key-'));
  const file = join(folder, 'key.json');
  const written = (name: string, text: string) => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const slots = blank ? { 1: null, 2: null } : { 1: held(OTP), 2: held(HMAC) };
  writeSoftwareKey(file, { ...blankKey(serial, version), sequence: blank ? 0 : 1, slots });
  const press = (slot: 1 | 2) =>
    softwareKeyIn(file, readFileSync(file, 'utf8'), Date.now).press(slot) ?? 'nothing was typed';
  return {
    folder,
    file,
    serial,
    press,
    otp: press(1),
    aesKeyFile: written('aes.hex', `${AES.toString('hex')}\n`),
    codeFile: written('code.hex', 'a1a2a3a4a5a6\n'),
    challengeFile: written('challenge', 'Sample #2'),
  };
}
