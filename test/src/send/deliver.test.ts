import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HABITS, type Habit } from '../../../src/lab/habits.ts';
import { deliver } from '../../../src/send/deliver.ts';
import { parseMailbox } from '../../../src/send/mailbox.ts';
import { dotStuffed, prepareMessage, testMessage, withCrlf } from '../../../src/send/message.ts';
import { queueIdOf } from '../../../src/send/queue-id.ts';
import { type Lab, type LabDomain, labWorld, startLab } from '../../helpers/lab.ts';

const FROM = 'anna@sender.test';
const ID = '<1@sender.test>';

let lab: Lab;
beforeAll(async () => {
  const habits = HABITS.map((habit) => [`${habit}.test`, { habit }] as const);
  const domains: Record<string, LabDomain> = {
    ...Object.fromEntries(habits),
    'expired.test': { habit: 'good', certificate: 'expired' },
    'wrongname.test': { habit: 'good', certificate: 'wrong-name' },
  };
  lab = await startLab(2, domains);
});
afterAll(() => lab.close());

function prepared(text?: string) {
  return prepareMessage(text === undefined ? testMessage(FROM, ['you@x.test']) : Buffer.from(text), {
    id: ID,
    nowMs: 0,
  });
}

function send(to: string | readonly string[], changes: object = {}, text?: string) {
  const recipients = [to].flat().map((address) => parseMailbox(address, 'to'));
  const options = { ...labWorld(lab), policy: 'opportunistic' as const, ...changes };
  return deliver(parseMailbox(FROM, 'from'), recipients, prepared(text), options);
}

type Expected = readonly [status: string, way: 'encrypted' | 'plain' | 'fallback' | null, arrivals: 0 | 1];

/** What opportunistic delivery makes of each habit. "If the negotiation fails for any reason, fall back." */
const OPPORTUNISTIC: Readonly<Record<Habit, Expected>> = {
  good: ['delivered', 'encrypted', 1],
  none: ['delivered', 'plain', 1],
  masked: ['delivered', 'plain', 1],
  intermittent: ['delivered', 'encrypted', 1],
  close: ['delivered', 'fallback', 1],
  'close-after-220': ['delivered', 'fallback', 1],
  'refuse-454': ['delivered', 'fallback', 1],
  'refuse-502': ['delivered', 'fallback', 1],
  garbage: ['delivered', 'fallback', 1],
  hang: ['delivered', 'fallback', 1],
  inject: ['delivered', 'fallback', 1],
  'inject-partial': ['delivered', 'fallback', 1],
  alert: ['delivered', 'fallback', 1],
  'tls10-only': ['delivered', 'encrypted', 1],
  'tls11-only': ['delivered', 'encrypted', 1],
  'tls12-only': ['delivered', 'encrypted', 1],
  'tls10-also': ['delivered', 'encrypted', 1],
  'mlkem-only': ['delivered', 'encrypted', 1],
  'classic-only': ['delivered', 'encrypted', 1],
  anonymous: ['delivered', 'encrypted', 1],
  'client-cert': ['delivered', 'encrypted', 1],
  'no-close-notify': ['delivered', 'encrypted', 1],
  'hang-banner': ['deferred', null, 0],
  'greet-close': ['deferred', null, 0],
  'greet-450': ['deferred', null, 0],
  'greet-421': ['deferred', null, 0],
  'greet-554': ['deferred', null, 0],
  'long-banner': ['delivered', 'encrypted', 1],
  'many-lines': ['deferred', null, 0],
  'long-line': ['deferred', null, 0],
  'no-hostname': ['delivered', 'encrypted', 1],
  'not-smtp': ['deferred', null, 0],
  'control-characters': ['delivered', 'encrypted', 1],
  tarpit: ['deferred', null, 0],
  'ehlo-refused': ['delivered', 'plain', 1],
  'ehlo-busy': ['deferred', null, 0],
  'mixed-codes': ['deferred', null, 0],
  'ehlo-differs': ['delivered', 'encrypted', 1],
  'auth-before-tls': ['delivered', 'encrypted', 1],
  'starttls-inside': ['delivered', 'encrypted', 1],
  'bare-lf': ['delivered', 'encrypted', 1],
  'need-starttls': ['delivered', 'encrypted', 1],
  'rcpt-450': ['deferred', 'encrypted', 0],
  'rcpt-550': ['refused', 'encrypted', 0],
  'no-relay': ['delivered', 'encrypted', 1],
  'carries-over': ['delivered', 'encrypted', 1],
  'any-line-end': ['delivered', 'encrypted', 1],
  'data-lost': ['unknown', 'encrypted', 1],
};

describe('opportunistic delivery to a server of the habit', () => {
  test.for(HABITS)('%s', async (habit) => {
    const server = lab.server(`${habit}.test`);
    const before = server.messages.length;
    const { deliveries } = await send(`you@${habit}.test`);
    const [status, way, arrivals] = OPPORTUNISTIC[habit];
    const { encrypted, fallback, mx } = deliveries[0] ?? {};
    const went = encrypted
      ? 'encrypted'
      : fallback
        ? 'fallback'
        : deliveries[0]?.status === 'delivered'
          ? 'plain'
          : null;
    expect([deliveries[0]?.status, went, server.messages.length - before]).toEqual([status, way, arrivals]);
    expect(mx).toBe(`mx.${habit}.test`);
    const arrived = server.messages.slice(before);
    expect(arrived.map((message) => message.encrypted)).toEqual(arrivals === 1 ? [way === 'encrypted'] : []);
  });
});

describe('the policy "encrypt"', () => {
  const plainHabits = HABITS.filter((habit) => ['plain', 'fallback'].includes(OPPORTUNISTIC[habit][1] ?? ''));
  test.for(plainHabits)('defers rather than send plaintext to %s', async (habit) => {
    const before = lab.server(`${habit}.test`).messages.length;
    const { deliveries, status } = await send(`you@${habit}.test`, { policy: 'encrypt' });
    expect(deliveries[0]?.status).not.toBe('delivered');
    expect(deliveries[0]?.fallback).toBeNull();
    expect(status).not.toBe('ok');
    expect(lab.server(`${habit}.test`).messages.length).toBe(before);
  });

  test('delivers where it can, and does not look at the certificate', async () => {
    const { deliveries } = await send('you@expired.test', { policy: 'encrypt' });
    expect(deliveries[0]).toMatchObject({ status: 'delivered', encrypted: true });
  });
});

describe('the policies that look at the certificate', () => {
  test.for([
    ['verify', 'good.test', 'delivered'],
    ['secure', 'good.test', 'delivered'],
    ['verify', 'expired.test', 'deferred'],
    ['secure', 'expired.test', 'deferred'],
    ['verify', 'wrongname.test', 'deferred'],
    ['secure', 'wrongname.test', 'deferred'],
    ['verify', 'anonymous.test', 'deferred'],
    ['verify', 'none.test', 'deferred'],
  ] as const)('%s to %s is %s', async ([policy, domain, status]) => {
    const before = lab.server(domain).messages.length;
    const { deliveries } = await send(`you@${domain}`, { policy });
    expect(deliveries[0]).toMatchObject({ status, encrypted: status === 'delivered', fallback: null });
    expect(lab.server(domain).messages.length - before).toBe(status === 'delivered' ? 1 : 0);
  });

  test('secure is not fooled by an MX record that leads to somebody else’s valid server', async () => {
    lab.dnsServer.setZone({
      'victim.test': { MX: [{ preference: 1, exchange: 'mx.good.test' }] },
      'mx.good.test': { A: [lab.server('good.test').host] },
    });
    const [verified, secured] = [
      await send('you@victim.test', { policy: 'verify' }),
      await send('you@victim.test', { policy: 'secure' }),
    ];
    lab.dnsServer.setZone(lab.zone);
    expect(verified.deliveries[0]?.status).toBe('delivered');
    expect(secured.deliveries[0]).toMatchObject({
      status: 'deferred',
      reason: expect.stringContaining('not for victim.test'),
    });
  });
});

describe('a fallback', () => {
  test('is told with its phase and reason, and happens on a second connection', async () => {
    const before = lab.server('close.test').connections;
    const { deliveries, summary } = await send('you@close.test');
    expect(deliveries[0]?.fallback).toEqual({
      from: 'starttls',
      phase: 'starttls',
      kind: 'closed',
      reason: 'the server closed the connection',
    });
    expect(summary).toBe('Delivered to you@close.test, in plaintext.');
    expect(lab.server('close.test').connections - before).toBe(2);
  });

  test('because of an injection is delivered, critical among the checks, a warning as a whole', async () => {
    const { status, checks } = await send('you@inject.test');
    expect(status).toBe('warn');
    expect(checks.find(({ id }) => id === 'smtp.starttls.injected')).toMatchObject({ status: 'crit' });
  });
});

describe('the envelope and the message', () => {
  test('arrive as they were, dots and all, and the server’s Received line tells the queue id', async () => {
    const body = '.leading dot\r\n..two\r\n.\r\nend without line end';
    const { deliveries } = await send(
      'you@good.test',
      {},
      `Subject: x\nMessage-ID: <a@b>\nDate: today\n\n${body}`,
    );
    const arrived = lab.server('good.test').messages.at(-1);
    expect(arrived?.bytes.toString()).toMatch(/^Received: from client\.example /);
    expect(arrived?.bytes.toString().split('\r\n\r\n')[1]).toBe(`${body}\r\n`);
    expect(deliveries[0]?.queueId).toBe(arrived?.queueId);
    expect(arrived?.bytes.toString()).toContain(`with ESMTPS id ${deliveries[0]?.queueId}`);
    expect(arrived).toMatchObject({ envelopeFrom: FROM, recipients: ['you@good.test'] });
  });

  test('go to several recipients and domains at once, each with its own result', async () => {
    const { deliveries, status } = await send(['a@good.test', 'b@good.test', 'c@none.test', 'd@gone.test']);
    expect(deliveries.map(({ recipient, status: each }) => [recipient, each])).toEqual([
      ['a@good.test', 'delivered'],
      ['b@good.test', 'delivered'],
      ['c@none.test', 'delivered'],
      ['d@gone.test', 'deferred'],
    ]);
    expect(lab.server('good.test').messages.at(-1)?.recipients).toEqual(['a@good.test', 'b@good.test']);
    expect(status).toBe('unknown');
  });

  test('8-bit text is announced, and refused where the server does not take it', async () => {
    await send('you@good.test', {}, 'Subject: x\n\nübung');
    expect(lab.server('good.test').commands.findLast((line) => line.startsWith('MAIL'))).toMatch(
      / BODY=8BITMIME$/,
    );
    const { deliveries } = await send('you@ehlo-refused.test', {}, 'Subject: x\n\nübung');
    expect(deliveries[0]).toMatchObject({ status: 'refused', reason: expect.stringContaining('8BITMIME') });
  });

  test('a message larger than the server takes is not sent', async () => {
    const { deliveries } = await send('you@good.test', {}, `Subject: x\n\n${'x'.repeat(10_500_000)}`);
    expect(deliveries[0]).toMatchObject({
      status: 'refused',
      reason: expect.stringContaining('the server takes 10240000'),
    });
  });
});

describe('the order of servers', () => {
  const at = (domain: string) => lab.server(domain).host;
  const through = async (zone: object) => {
    lab.dnsServer.setZone(zone as typeof lab.zone);
    try {
      return await send('you@many.test');
    } finally {
      lab.dnsServer.setZone(lab.zone);
    }
  };
  const mx = (...hosts: string[]) => ({
    MX: hosts.map((exchange, index) => ({ preference: index, exchange })),
  });

  test('a busy server is passed over for its next address, then for the next exchanger', async () => {
    const { deliveries } = await through({
      'many.test': mx('a.test', 'b.test'),
      'a.test': { A: [at('greet-421.test'), at('hang-banner.test')] },
      'b.test': { A: [at('good.test')] },
    });
    expect(deliveries[0]).toMatchObject({ status: 'delivered', mx: 'b.test', address: at('good.test') });
  });

  test('a recipient refused for good is not tried elsewhere', async () => {
    const before = lab.server('good.test').messages.length;
    const { deliveries } = await through({
      'many.test': mx('a.test', 'b.test'),
      'a.test': { A: [at('rcpt-550.test')] },
      'b.test': { A: [at('good.test')] },
    });
    expect(deliveries[0]).toMatchObject({ status: 'refused', mx: 'a.test' });
    expect(lab.server('good.test').messages.length).toBe(before);
  });

  test('a message whose fate is not known is never sent again', async () => {
    const before = lab.server('good.test').messages.length;
    const { deliveries, status } = await through({
      'many.test': mx('a.test', 'b.test'),
      'a.test': { A: [at('data-lost.test')] },
      'b.test': { A: [at('good.test')] },
    });
    expect(deliveries[0]).toMatchObject({ status: 'unknown', mx: 'a.test' });
    expect(status).toBe('unknown');
    expect(lab.server('good.test').messages.length).toBe(before);
  });

  test.for([
    ['null MX refuses for good', { 'many.test': { MX: [{ preference: 0, exchange: '.' }] } }, 'refused'],
    ['a domain that does not exist refuses for good', {}, 'refused'],
    ['a DNS failure defers', { 'many.test': { habit: 'SERVFAIL' } }, 'deferred'],
    ['an exchanger without address defers', { 'many.test': mx('a.test') }, 'deferred'],
  ] as const)('%s', async ([, zone, status]) => {
    const { deliveries } = await through(zone);
    expect(deliveries[0]).toMatchObject({ status, mx: null });
  });
});

describe('line ends and dots', () => {
  test('whatever the bytes are, only CRLF ends a line, and no dot ends the data early', () => {
    const bytes = fc
      .array(fc.constantFrom(13, 10, 46, 65, 200), { maxLength: 40 })
      .map((list) => Buffer.from(list));
    fc.assert(
      fc.property(bytes, (raw) => {
        const text = withCrlf(raw).toString('latin1');
        expect(text).not.toMatch(/\r(?!\n)|(?<!\r)\n/);
        const wire = dotStuffed(withCrlf(raw)).toString('latin1');
        expect(wire.indexOf('\r\n.\r\n')).toBe(wire === '.\r\n' ? -1 : wire.length - 5);
        expect(wire.replace(/^\.(?=.)/gm, '').slice(0, -3)).toBe(text);
      }),
    );
  });

  test('Date and Message-ID are added only where they are missing', () => {
    const bare = prepared('Subject: x\n\ntext');
    expect(bare.bytes.toString()).toMatch(
      /^Date: Thu, 01 Jan 1970 00:00:00 \+0000\r\nMessage-ID: <1@sender\.test>\r\nSubject: x/,
    );
    const whole = prepared('Message-ID: <own@x>\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n\n');
    expect(whole).toMatchObject({ messageId: '<own@x>' });
    expect(whole.bytes.toString()).toMatch(/^Message-ID: <own@x>\r\nDate: Mon/);
  });

  test.for(['', 'no header here', '\n\nbody'])('what is no message is refused: %j', (text) => {
    expect(() => prepared(text)).toThrow(expect.objectContaining({ exit: 65 }));
  });
});

test.for([
  ['you@example.org', 'you@example.org', 'example.org'],
  ['<you@EXAMPLE.org>', 'you@example.org', 'example.org'],
  ['you+tag@bücher.example', 'you+tag@xn--bcher-kva.example', 'xn--bcher-kva.example'],
  ['"a b"@example.org', '"a b"@example.org', 'example.org'],
] as const)('%s is a mail address', ([text, address, domain]) => {
  expect(parseMailbox(text, 'to')).toEqual({ address, domain });
});

test.for([
  '',
  'you',
  '@example.org',
  'a b@example.org',
  'a@b@c..d',
  'a@example..org',
  'a\r\nRCPT TO:<x>@example.org',
  'ü@example.org',
  'a>@example.org',
])('%j is no mail address', (text) => {
  expect(() => parseMailbox(text, 'to')).toThrow(expect.objectContaining({ exit: 64 }));
});

test.for([
  ['250 2.0.0 Ok: queued as 4Rk2Zw6mTtz7fJ', '4Rk2Zw6mTtz7fJ'],
  ['250 OK id=1vNa7f-0004Qk-2b', '1vNa7f-0004Qk-2b'],
  ['250 2.0.0 5AO9FDxx012345 Message accepted for delivery', '5AO9FDxx012345'],
  ['250 2.6.0 <x@y> [InternalId=12345, Hostname=A] 1234 bytes Queued mail for delivery', '12345'],
  ['250 2.0.0 OK  1732439706 d9443c01a7336-2125c8a9e0bsi2 - gsmtp', 'd9443c01a7336-2125c8a9e0bsi2'],
  ['250 Ok', null],
] as const)('the queue id in %s', ([text, id]) => {
  expect(queueIdOf(text)).toBe(id);
});
