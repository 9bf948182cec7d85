import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServedKeys } from '../../src/keys/served.ts';
import { Limits } from '../../src/logins/limits.ts';
import { hashPassword } from '../../src/logins/password.ts';
import { Turns } from '../../src/logins/turns.ts';
import type { LoginStore, NewLogin } from '../../src/logins/types.ts';
import { type Attempt, type LoginVerdict, type LoginWorld, verifyLogin } from '../../src/logins/verify.ts';
import { encodeModhex } from '../../src/otp/modhex.ts';
import { makeOtp } from '../../src/otp/token.ts';
import { validatorOpener } from '../../src/validators/open.ts';
import type { ValidatorConfig } from '../../src/validators/types.ts';
import { LabStore } from './stores.ts';

/** A key that is in the store, and types OTPs. */
export type LabKey = { readonly publicId: string; readonly press: () => string };

export type LoginLab = {
  readonly folder: string;
  readonly keys: ServedKeys;
  readonly logins: LoginStore;
  readonly world: LoginWorld;
  /** Milliseconds since the epoch, as the lab's clock shows it. */
  nowMs: number;
  /** A key with a public id of so many bytes. */
  readonly key: (serial: number, idLength?: number) => Promise<LabKey>;
  readonly add: (
    account: string,
    publicId: string,
    more?: Partial<Omit<NewLogin, 'password'>> & {
      readonly password?: string;
      readonly validator?: ValidatorConfig;
    },
  ) => Promise<string>;
  readonly login: (account: string, password: string, more?: Partial<Attempt>) => Promise<LoginVerdict>;
  readonly close: () => Promise<void>;
};

const AES = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');
const UID = Buffer.from('010203040506', 'hex');

async function practise(keys: ServedKeys, serial: number, idLength: number): Promise<LabKey> {
  const fixed = Buffer.alloc(idLength);
  if (idLength > 0) fixed[0] = 0x1f;
  if (idLength > 1) fixed.writeUInt8(serial & 0xff, idLength - 1);
  const publicId = encodeModhex(fixed);
  const secret = { privateId: UID, aesKey: AES };
  await keys.apply([{ kind: 'add', key: { publicId, state: 'active', serial, secret, counters: null } }], 1);
  let useCounter = 1;
  let sessionUse = -1;
  return {
    publicId,
    press: () => {
      sessionUse += 1;
      if (sessionUse > 255) [useCounter, sessionUse] = [useCounter + 1, 0];
      const content = { privateId: UID.toString('hex'), useCounter, sessionUse, timestamp: 8, random: 1 };
      return makeOtp(fixed, content, AES);
    },
  };
}

/** Keys and logins in a folder of their own. */
export async function loginLab({ failureMs = 20, timeoutMs = 2000 } = {}): Promise<LoginLab> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-logins-'));
  const stores = await new LabStore(folder).open();
  const { keys } = stores;
  const logins = await stores.logins();
  const world: LoginWorld = {
    store: logins,
    open: validatorOpener({
      store: keys,
      nowMs: () => lab.nowMs,
      readSecret: (text) => text,
      timeoutMs,
    }),
    usual: { kind: 'local' },
    limits: new Limits(),
    turns: new Turns(2, 1000, 300),
    nowMs: () => lab.nowMs,
    failureMs,
    signal: new AbortController().signal,
  };
  const lab: LoginLab = {
    folder,
    keys,
    logins,
    world,
    nowMs: Date.UTC(2026, 10, 25),
    key: (serial, idLength = 6) => practise(keys, serial, idLength),
    add: async (account, publicId, { password, validator, ...more } = {}) =>
      logins.add(
        {
          account,
          kind: password === undefined ? 'otp' : 'password+otp',
          label: 'desk',
          services: [],
          expiresMs: null,
          ...more,
          password: password === undefined ? null : await hashPassword(password),
        },
        {
          publicId,
          validator: validator ?? { kind: 'local' },
          counters: { useCounter: -1, sessionUse: -1 },
        },
        lab.nowMs,
      ),
    login: (account, password, more = {}) =>
      verifyLogin(world, { account, password, otp: null, service: 'imap', address: '192.0.2.1', ...more }),
    close: stores.close,
  };
  return lab;
}
