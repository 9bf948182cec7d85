import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  ask,
  type LabClient,
  type LabServer,
  newNonce,
  type SoftKey,
  send,
  ValidationLab,
} from '../../helpers/validation-lab.ts';

const lab = new ValidationLab();
let client: LabClient;
let server: LabServer;
const pool: SoftKey[] = [];

/** A key that no other test has touched. */
function freshKey(): SoftKey {
  const key = pool.pop();
  if (!key) throw new Error('there are no keys left');
  return key;
}

beforeAll(async () => {
  pool.push(...(await lab.keys(250)));
  client = await lab.client();
  server = await lab.serve();
});
afterAll(() => lab.close());

describe('what is said of an OTP', () => {
  test('OK once, with everything that clients compare', async () => {
    const key = freshKey();
    const nonce = newNonce();
    const otp = key.otp(3, 2, 70_000);
    const first = await ask(server.url, { client, otp, nonce, more: { timestamp: '1', sl: '50' } });
    expect(first.values).toEqual({
      h: expect.any(String),
      t: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ0\d{3}$/),
      otp,
      nonce,
      sl: '100',
      timestamp: '70000',
      sessioncounter: '3',
      sessionuse: '2',
      status: 'OK',
    });
    expect(first.body).toMatch(/\r\nstatus=OK\r\n\r\n$/);
    expect(first.http).toBe(200);
  });

  test('a repetition is told from a replay by its nonce, and neither is ever OK', async () => {
    const key = freshKey();
    const nonce = newNonce();
    const otp = key.otp(5);
    expect((await ask(server.url, { client, otp, nonce })).status).toBe('OK');
    expect((await ask(server.url, { client, otp, nonce })).status).toBe('REPLAYED_REQUEST');
    expect((await ask(server.url, { client, otp })).status).toBe('REPLAYED_OTP');
    expect((await ask(server.url, { client, otp: key.otp(4, 200) })).status).toBe('REPLAYED_OTP');
    expect((await ask(server.url, { client, otp: key.otp(5, 1) })).status).toBe('OK');
    expect((await ask(server.url, { client, otp: key.otp(6) })).status).toBe('OK');
  });

  test('by POST, without a signature, from a Dvorak keyboard and with caps lock on', async () => {
    const key = freshKey();
    const upper = key.otp(1).toUpperCase();
    const dvorak = key
      .otp(2)
      .replaceAll(/./g, (letter) => 'jxe.uidchtnbpygk'['cbdefghijklnrtuv'.indexOf(letter)] ?? '');
    expect((await ask(server.url, { client, otp: upper, form: true })).values).toMatchObject({
      status: 'OK',
      otp: upper,
    });
    expect((await ask(server.url, { client, otp: dvorak, signed: false })).values).toMatchObject({
      status: 'OK',
      otp: dvorak,
    });
  });

  test('the bit that caps lock sets in a counter does not lock the key out', async () => {
    const key = freshKey();
    expect((await ask(server.url, { client, otp: key.otp(7 | 0x8000) })).status).toBe('OK');
    expect((await ask(server.url, { client, otp: key.otp(8) })).status).toBe('OK');
  });

  test('a key that is disabled, or was never seen to work, is not taken, and its OTP is spent', async () => {
    const [sleeping] = await lab.keys(1, 'disabled', 900);
    const [fresh] = await lab.keys(1, 'written', 901);
    for (const key of [sleeping, fresh])
      expect((await ask(server.url, { client, otp: key?.otp(1) ?? '' })).values).toEqual({
        h: expect.any(String),
        t: expect.any(String),
        status: 'BAD_OTP',
      });
  });
});

describe('what is no right request', () => {
  const good = () => ({ id: String(client.id), nonce: newNonce(), otp: freshKey().otp(1) });
  const cases: readonly (readonly [
    string,
    (values: ReturnType<typeof good>) => Record<string, string>,
    string,
  ])[] = [
    ['no id', ({ id: _, ...rest }) => rest, 'MISSING_PARAMETER'],
    ['id 0', (values) => ({ ...values, id: '0' }), 'MISSING_PARAMETER'],
    ['an id of letters', (values) => ({ ...values, id: '1a' }), 'MISSING_PARAMETER'],
    ['no nonce', ({ nonce: _, ...rest }) => rest, 'MISSING_PARAMETER'],
    ['a short nonce', (values) => ({ ...values, nonce: 'a'.repeat(15) }), 'MISSING_PARAMETER'],
    ['a long nonce', (values) => ({ ...values, nonce: 'a'.repeat(41) }), 'MISSING_PARAMETER'],
    [
      'a nonce with a line end',
      (values) => ({ ...values, nonce: `${'a'.repeat(20)}\r\nstatus=OK` }),
      'MISSING_PARAMETER',
    ],
    ['no otp', ({ otp: _, ...rest }) => rest, 'MISSING_PARAMETER'],
    ['sl of words', (values) => ({ ...values, sl: 'most' }), 'MISSING_PARAMETER'],
    ['sl 101', (values) => ({ ...values, sl: '101' }), 'MISSING_PARAMETER'],
    ['a time-out of words', (values) => ({ ...values, timeout: 'soon' }), 'MISSING_PARAMETER'],
    ['an OTP with a line end', (values) => ({ ...values, otp: `${values.otp}\r\nstatus=OK` }), 'BAD_OTP'],
    ['a short OTP', (values) => ({ ...values, otp: values.otp.slice(0, 31) }), 'BAD_OTP'],
    ['an OTP of other letters', (values) => ({ ...values, otp: `${values.otp.slice(0, -1)}z` }), 'BAD_OTP'],
    [
      'an OTP of a key that nobody has',
      (values) => ({ ...values, otp: `vvvvvv${values.otp.slice(6)}` }),
      'BAD_OTP',
    ],
    [
      'an OTP with a letter changed',
      (values) => ({ ...values, otp: values.otp.replace(/.$/, (end) => (end === 'c' ? 'b' : 'c')) }),
      'BAD_OTP',
    ],
    ['a client that is not there', (values) => ({ ...values, id: '4000000000' }), 'NO_SUCH_CLIENT'],
    ['a wrong signature', (values) => ({ ...values, h: 'AAAAAAAAAAAAAAAAAAAAAAAAAAA=' }), 'BAD_SIGNATURE'],
    ['an empty signature', (values) => ({ ...values, h: '' }), 'BAD_SIGNATURE'],
  ];
  test.each(cases)('%s', async (_, change, status) => {
    const values = good();
    const query = Object.entries(change(values)).map(
      ([name, value]) => `${name}=${encodeURIComponent(value)}`,
    );
    const { status: said, values: told, body, http } = await send(server.url, query.join('&'));
    expect([said, http]).toEqual([status, 200]);
    expect(new Set(Object.keys(told))).toEqual(new Set(['h', 'status', 't']));
    expect(body.match(/status=/g)).toHaveLength(1);
    // The OTP was not spent on the way, unless it never was one.
    if (/^(MISSING_PARAMETER|NO_SUCH_CLIENT|BAD_SIGNATURE)$/.test(status) && 'otp' in change(values))
      expect((await ask(server.url, { client, otp: values.otp })).status).toBe('OK');
  });

  test('names that stand twice, broken encoding, and too much of everything', async () => {
    const { id, nonce, otp } = good();
    const query = `id=${id}&nonce=${nonce}&otp=${otp}`;
    for (const bad of [
      `${query}&otp=${otp}`,
      `${query}&x=%E0%A4%A`,
      `${query}&x=${'y'.repeat(4096)}`,
      `${query}${'&a'.repeat(40)}`,
    ])
      expect((await send(server.url, bad)).status).toBe('MISSING_PARAMETER');
    expect((await ask(server.url, { client, otp })).status).toBe('OK');
  });

  test('parameters that nobody knows are part of the signature', async () => {
    expect(
      (await ask(server.url, { client, otp: freshKey().otp(1), more: { zzz: 'ä &=+', aaa: '' } })).status,
    ).toBe('OK');
  });

  test('a client asks only as it may', async () => {
    const strict = await lab.client({ mustSign: true });
    const elsewhere = await lab.client({ networks: ['192.0.2.0/24'] });
    const near = await lab.client({ networks: ['127.0.0.0/8'], publicIds: ['vvcc'] });
    const others = await lab.client({ publicIds: ['cccc'] });
    const key = freshKey();
    expect((await ask(server.url, { client: strict, otp: key.otp(1), signed: false })).status).toBe(
      'BAD_SIGNATURE',
    );
    expect((await ask(server.url, { client: elsewhere, otp: key.otp(1) })).status).toBe(
      'OPERATION_NOT_ALLOWED',
    );
    expect((await ask(server.url, { client: others, otp: key.otp(1) })).status).toBe('OPERATION_NOT_ALLOWED');
    expect((await ask(server.url, { client: near, otp: key.otp(1) })).status).toBe('OK');
  });
});

describe('exactly once', () => {
  test('of eight at the same time at four processes, in 200 rounds, one is told OK', async () => {
    const servers = [server, ...(await Promise.all([lab.serve(), lab.serve(), lab.serve()]))];
    const key = freshKey();
    for (let round = 1; round <= 200; round += 1) {
      const otp = key.otp(round);
      const answers = await Promise.all(
        Array.from({ length: 8 }, (_, index) => ask(servers[index % 4]?.url ?? '', { client, otp })),
      );
      const said = answers.map(({ status }) => status).sort();
      expect(said).toEqual(['OK', ...Array<string>(7).fill('REPLAYED_OTP')]);
    }
  });

  test('eighty fresh OTPs over sixteen connections are eighty OKs', async () => {
    const keys = Array.from({ length: 80 }, freshKey);
    const answers = await Promise.all(keys.map((key) => ask(server.url, { client, otp: key.otp(1) })));
    expect(answers.filter(({ status }) => status === 'OK')).toHaveLength(80);
  });

  test('also when the process is killed at the moment of the answer', async () => {
    const key = freshKey();
    let used = 0;
    for (let round = 0; round < 10; round += 1) {
      const victim = await lab.serve();
      const asked: Promise<{ otp: string; status: string }>[] = [];
      for (let index = 0; index < 10; index += 1) {
        used += 1;
        const otp = key.otp(used);
        asked.push(
          ask(victim.url, { client, otp }).then(
            ({ status }) => ({ otp, status }),
            () => ({ otp, status: 'lost' }),
          ),
        );
        if (index === 9) await asked[Math.min(round, 9)];
      }
      await victim.end('SIGKILL');
      const answers = await Promise.all(asked);
      for (const { otp, status } of answers.filter((answer) => answer.status === 'OK'))
        expect([otp, (await ask(server.url, { client, otp })).status, status][1]).toBe('REPLAYED_OTP');
    }
  });
});

test('nothing that was typed, and no query, is in the log', async () => {
  const key = freshKey();
  const nonce = newNonce();
  const otp = key.otp(1);
  await ask(server.url, { client, otp, nonce });
  await send(server.url, `id=${client.id}&nonce=${nonce}&otp=${otp}z`);
  const log = server.log.join('\n');
  expect(log).toContain(key.publicId);
  for (const secret of [otp, otp.slice(12), nonce, client.apiKey.toString('base64'), 'wsapi'])
    expect(log).not.toContain(secret);
});
