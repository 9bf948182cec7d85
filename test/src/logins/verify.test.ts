import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestOf, newSessionPassword } from '../../../src/logins/session.ts';
import { type LabKey, type LoginLab, loginLab } from '../../helpers/logins.ts';
import { type Peer, startPeer } from '../../helpers/validation-peer.ts';

const PASSWORD = 'correct horse';

let lab: LoginLab;
let key: LabKey;

beforeEach(async () => {
  lab = await loginLab();
  key = await lab.key(1);
});

afterEach(() => lab.close());

describe('a touch alone', () => {
  test('logs in once', async () => {
    await lab.add('ann@example.org', key.publicId);
    const otp = key.press();
    expect(await lab.login('ann@example.org', otp)).toMatchObject({ kind: 'accepted', by: 'otp' });
    expect(await lab.login('ann@example.org', otp)).toMatchObject({ kind: 'refused', why: 'replayed' });
  });

  test('is taken under the name in any case, and in caps lock', async () => {
    await lab.add('ann@example.org', key.publicId);
    expect(await lab.login('Ann@Example.ORG', key.press().toUpperCase())).toMatchObject({ kind: 'accepted' });
  });

  test('logs into every account that has the key, each time with an OTP of its own', async () => {
    await lab.add('ann@example.org', key.publicId);
    await lab.add('postmaster@example.org', key.publicId);
    const otp = key.press();
    expect(await lab.login('ann@example.org', otp)).toMatchObject({ kind: 'accepted' });
    expect(await lab.login('postmaster@example.org', otp)).toMatchObject({ why: 'replayed' });
    expect(await lab.login('postmaster@example.org', key.press())).toMatchObject({ kind: 'accepted' });
  });

  test('used with the name of another account is used up for its own', async () => {
    await lab.add('ann@example.org', key.publicId);
    await lab.add('bob@example.org', (await lab.key(2)).publicId);
    const otp = key.press();
    expect(await lab.login('bob@example.org', otp)).toMatchObject({ kind: 'refused', why: 'other-key' });
    expect(await lab.login('nobody@example.org', key.press())).toMatchObject({ why: 'no-login' });
    expect(await lab.login('ann@example.org', otp)).toMatchObject({ kind: 'refused', why: 'replayed' });
  });

  test('of any key of the account will do', async () => {
    const spare = await lab.key(2);
    const id = await lab.add('ann@example.org', key.publicId);
    await lab.logins.addKey(id, {
      publicId: spare.publicId,
      validator: { kind: 'local' },
      counters: { useCounter: -1, sessionUse: -1 },
    });
    expect(await lab.login('ann@example.org', spare.press())).toMatchObject({ kind: 'accepted' });
    expect(await lab.login('ann@example.org', key.press())).toMatchObject({ kind: 'accepted' });
  });

  test('with something before it is refused', async () => {
    await lab.add('ann@example.org', key.publicId);
    expect(await lab.login('ann@example.org', `x${key.press()}`)).toMatchObject({ why: 'password' });
  });

  test('of a lost key is refused', async () => {
    await lab.add('ann@example.org', key.publicId);
    await lab.keys.disable(1, lab.nowMs);
    expect(await lab.login('ann@example.org', key.press())).toMatchObject({ why: 'disabled' });
  });
});

describe('base password and touch', () => {
  test.for([0, 2, 8, 12, 16, 24, 32])('are split with a public id of %i characters', async (idLength) => {
    const other = await lab.key(9, idLength / 2);
    // The end of the password could be part of a longer id.
    const password = 'horsecbdefghijklnrtuv';
    await lab.add('ann@example.org', other.publicId, { password });
    await lab.add('ann@example.org', key.publicId, { password: PASSWORD });
    expect(await lab.login('ann@example.org', password + other.press())).toMatchObject({
      kind: 'accepted',
      by: 'password+otp',
      publicId: other.publicId,
    });
  });

  test('come in two fields as well', async () => {
    await lab.add('ann@example.org', key.publicId, { password: PASSWORD });
    expect(await lab.login('ann@example.org', PASSWORD, { otp: key.press() })).toMatchObject({
      kind: 'accepted',
    });
  });

  test('a wrong password burns the OTP', async () => {
    await lab.add('ann@example.org', key.publicId, { password: PASSWORD });
    const otp = key.press();
    expect(await lab.login('ann@example.org', `wrong${otp}`)).toMatchObject({ why: 'password' });
    expect(await lab.login('ann@example.org', PASSWORD + otp)).toMatchObject({ why: 'replayed' });
    expect(await lab.login('ann@example.org', PASSWORD + key.press())).toMatchObject({ kind: 'accepted' });
  });

  test.for([
    ['the password', (): string => PASSWORD],
    ['the OTP', (): string => key.press()],
    ['nothing', (): string => ''],
    ['more than anybody types', (): string => 'x'.repeat(100_000)],
  ] as const)('%s alone is refused', async ([, field]) => {
    await lab.add('ann@example.org', key.publicId, { password: PASSWORD });
    expect(await lab.login('ann@example.org', field())).toMatchObject({ kind: 'refused' });
  });
});

describe('a login set', () => {
  test('counts until it expires, and for its services', async () => {
    await lab.add('ann@example.org', key.publicId, {
      expiresMs: lab.nowMs + 1000,
      services: ['imap', 'web'],
    });
    expect(await lab.login('ann@example.org', key.press())).toMatchObject({ kind: 'accepted' });
    expect(await lab.login('ann@example.org', key.press(), { service: 'smtp' })).toMatchObject({
      why: 'service',
    });
    lab.nowMs += 1000;
    expect(await lab.login('ann@example.org', key.press())).toMatchObject({ why: 'expired' });
  });

  test('is gone when it is removed', async () => {
    const id = await lab.add('ann@example.org', key.publicId);
    expect(await lab.logins.remove(id)).toBe(true);
    expect(await lab.logins.remove(id)).toBe(false);
    expect(await lab.login('ann@example.org', key.press())).toMatchObject({ why: 'no-login' });
  });
});

describe('a session password', () => {
  const issue = async (network: string | null = null) => {
    const password = newSessionPassword();
    const session = { account: 'ann@example.org', service: 'imap', network, lengthMs: 3_600_000 };
    await lab.logins.addSession({ ...session, digest: digestOf(password) }, lab.nowMs);
    return password;
  };

  test('counts for an hour from its first use, many times, and no longer', async () => {
    const password = await issue();
    lab.nowMs += 7_200_000;
    expect(await lab.login('ann@example.org', password)).toMatchObject({ kind: 'accepted', by: 'session' });
    lab.nowMs += 3_599_999;
    expect(await lab.login('ann@example.org', password)).toMatchObject({ kind: 'accepted' });
    lab.nowMs += 1;
    expect(await lab.login('ann@example.org', password)).toMatchObject({ why: 'session-expired' });
  });

  test('that nobody used for a day is gone', async () => {
    const password = await issue();
    lab.nowMs += 86_400_000;
    expect(await lab.login('ann@example.org', password)).toMatchObject({ why: 'session-expired' });
  });

  test('is for one account, one service and one network', async () => {
    const password = await issue('192.0.2.0/24');
    expect(await lab.login('bob@example.org', password)).toMatchObject({ kind: 'refused' });
    expect(await lab.login('ann@example.org', password, { service: 'smtp' })).toMatchObject({
      why: 'session-service',
    });
    expect(await lab.login('ann@example.org', password, { address: '198.51.100.1' })).toMatchObject({
      why: 'session-network',
    });
    expect(await lab.login('ann@example.org', password)).toMatchObject({ kind: 'accepted' });
  });

  test('is gone when it is revoked', async () => {
    const password = await issue();
    expect(await lab.logins.endSessions({ accounts: ['ann@example.org'] })).toBe(1);
    expect(await lab.login('ann@example.org', password)).toMatchObject({ why: 'no-otp' });
  });
});

describe('a key that a service validates', () => {
  const OTP = 'vvccccbdthjibitjgnkkhruuhufdigeldfblfcigetje';
  const NEXT = 'vvccccbdthjibitjgnkkhruuhufdigeldfblfcigetjf';
  let peer: Peer;

  beforeEach(async () => {
    peer = await startPeer((otp) => [7, otp === OTP ? 3 : 4]);
    await lab.add('ann@example.org', OTP.slice(0, 12), {
      password: PASSWORD,
      validator: {
        kind: 'remote',
        urls: [peer.url],
        clientId: '1',
        apiKeyFile: peer.apiKey,
        syncLevel: null,
      },
    });
  });

  afterEach(() => peer.close());

  test('logs in', async () => {
    expect(await lab.login('ann@example.org', PASSWORD + OTP)).toMatchObject({ kind: 'accepted' });
    expect(await lab.login('ann@example.org', PASSWORD + OTP)).toMatchObject({ why: 'replayed' });
    expect(await lab.login('ann@example.org', PASSWORD + NEXT)).toMatchObject({ kind: 'accepted' });
  });

  test('is not let in twice by a service that forgets', async () => {
    peer.misdeed = 'forgetful';
    expect(await lab.login('ann@example.org', PASSWORD + NEXT)).toMatchObject({ kind: 'accepted' });
    expect(await lab.login('ann@example.org', PASSWORD + NEXT)).toMatchObject({ why: 'replayed' });
    expect(await lab.login('ann@example.org', PASSWORD + OTP)).toMatchObject({ why: 'replayed' });
  });

  test('of a service that is away is neither let in nor wrong, whatever the password is', async () => {
    await peer.close();
    expect(await lab.login('ann@example.org', PASSWORD + OTP)).toMatchObject({ kind: 'unavailable' });
    expect(await lab.login('ann@example.org', `wrong${OTP}`)).toMatchObject({ kind: 'unavailable' });
    expect(await lab.login('nobody@example.org', OTP)).toMatchObject({ kind: 'unavailable' });
  });

  test('is not let in by a service that does not tell the counters', async () => {
    peer.misdeed = {
      change: (lines) => {
        for (const name of ['sessioncounter', 'h']) lines.delete(name);
      },
    };
    expect(await lab.login('ann@example.org', PASSWORD + OTP)).toMatchObject({ kind: 'unavailable' });
  });
});

describe('failures', () => {
  test('of others never lock the owner out, not even from the same address', async () => {
    await lab.add('ann@example.org', key.publicId, { password: PASSWORD });
    const wrong = `${key.press().slice(0, -1)}c`;
    await Promise.all(Array.from({ length: 300 }, () => lab.login('ann@example.org', wrong)));
    expect(lab.world.limits.isOver({ account: 'ann@example.org', address: '192.0.2.1' }, lab.nowMs)).toBe(
      true,
    );
    expect(await lab.login('ann@example.org', PASSWORD + key.press())).toMatchObject({ kind: 'accepted' });
  });
});

test('one OTP in many logins at the same time gets in once', async () => {
  await lab.add('ann@example.org', key.publicId);
  const otp = key.press();
  const all = await Promise.all(Array.from({ length: 50 }, () => lab.login('ann@example.org', otp)));
  expect(all.filter(({ kind }) => kind === 'accepted')).toHaveLength(1);
});
