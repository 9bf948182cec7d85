import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodeModhex } from '../../../src/otp/modhex.ts';
import { makeOtp } from '../../../src/otp/token.ts';
import type { Stores } from '../../../src/stores/types.ts';
import { WrongOtps } from '../../../src/validation/limits.ts';
import type { ValidationStore } from '../../../src/validation/types.ts';
import { answerVerify, type VerifyEvent } from '../../../src/validation/verify.ts';
import { type LabClient, newNonce, type SoftKey, ValidationLab } from '../../helpers/validation-lab.ts';

// A server that compares no private id takes one of 65,536 random tokens for right: the checksum has 16 bits. Here
// every token has a right checksum and the right AES key, and is refused all the same.

const FORGED = 65_536;

const lab = new ValidationLab();
let stores: Stores;
let store: ValidationStore;
let client: LabClient;
let key: SoftKey;

beforeAll(async () => {
  const [first] = await lab.keys(1);
  if (!first) throw new Error('there is no key');
  key = first;
  client = await lab.client();
  stores = await lab.store.open();
  store = await stores.validation();
});
afterAll(async () => {
  await stores.close();
  await lab.close();
});

test('of 65,536 forged tokens with a right checksum none is taken, and the owner is not locked out', async () => {
  const told: VerifyEvent[] = [];
  const world = {
    store,
    delay: 'log' as const,
    wrong: new WrongOtps(),
    nowMs: () => 1_800_000_000_000,
    onEvent: (event: VerifyEvent) => told.push(event),
  };
  const ask = (otp: string) =>
    answerVerify(
      world,
      [
        ['id', String(client.id)],
        ['nonce', newNonce()],
        ['otp', otp],
      ],
      '192.0.2.66',
    );
  const publicId = decodeModhex(key.publicId) ?? Buffer.alloc(6);
  const aesKey = Buffer.from(key.aesKey, 'hex');
  const said = new Map<string, number>();
  for (let tried = 0; tried < FORGED; tried += 1) {
    const noise = randomBytes(10);
    const content = {
      privateId: noise.toString('hex', 0, 6),
      useCounter: 0x7fff,
      sessionUse: tried & 0xff,
      timestamp: tried,
      random: noise.readUInt16LE(8),
    };
    const { status } = await ask(makeOtp(publicId, content, aesKey));
    said.set(status, (said.get(status) ?? 0) + 1);
  }
  expect([...said]).toEqual([['BAD_OTP', FORGED]]);
  // The log is not flooded, and the counters of the key are where they were.
  expect(told.length).toBeLessThan(100);
  expect((await ask(key.otp(1))).status).toBe('OK');
});
