import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createStub, type Stub } from '../../../src/dns/stub.ts';
import { parseResolver } from '../../../src/dns/system.ts';
import { createAuthority, type IssuedCertificate } from '../../../src/lab/certificates.ts';
import { type DnsLab, startDnsServer } from '../../../src/lab/dns-server.ts';
import type { Habit } from '../../../src/lab/habits.ts';
import { type MailLab, type MailLabOptions, startMailServer } from '../../../src/lab/mail-server.ts';
import { prepareMessage, testMessage } from '../../../src/send/message.ts';
import { parseSmarthost, type Smarthost, submitVia } from '../../../src/send/via.ts';
import { labWorld, NOW_MS } from '../../helpers/lab.ts';

const HOST = '127.1.11.1';
const ACCOUNT = { user: 'anna', password: 'correct horse' };
const NAME = 'smtp.relay.test';

let caPem: string;
let certificate: IssuedCertificate;
let other: IssuedCertificate;
let dnsServer: DnsLab;
let dns: Stub;
const running: MailLab[] = [];

beforeAll(async () => {
  const authority = await createAuthority('Smarthost test authority', NOW_MS);
  caPem = authority.certificatePem;
  certificate = await authority.issue({ names: [NAME] });
  other = await authority.issue({ names: ['elsewhere.test'] });
  dnsServer = await startDnsServer({ zone: { [NAME]: { A: [HOST] } } });
  dns = createStub({ servers: [parseResolver(`127.0.0.1:${dnsServer.port}`)], timeoutMs: 1500 });
});
afterAll(async () => {
  dns.close();
  await Promise.all([dnsServer.close(), ...running.map((server) => server.close())]);
});

async function relay(habit: Habit, more: Partial<MailLabOptions> = {}): Promise<MailLab> {
  const server = await startMailServer({
    hostname: NAME,
    habit,
    certificates: [certificate],
    host: HOST,
    ...more,
  });
  running.push(server);
  return server;
}

const message = prepareMessage(testMessage('a@sender.test', ['b@x.test']), {
  id: '<1@sender.test>',
  nowMs: 0,
});

function submit(server: MailLab, changes: Partial<Smarthost> = {}, to: readonly string[] = ['b@x.test']) {
  const smarthost: Smarthost = {
    host: NAME,
    port: server.port,
    implicitTls: false,
    credentials: null,
    level: 'verify',
    ...changes,
  };
  const world = labWorld({ dns, port: server.port, caPem });
  return submitVia(smarthost, { from: 'a@sender.test', recipients: to }, message, {
    ...world,
    requireTls: false,
  });
}

describe('through a smarthost', () => {
  test('the message arrives once and encrypted, and the queue id is told', async () => {
    const server = await relay('good');
    const [row] = await submit(server);
    expect(row).toMatchObject({
      status: 'delivered',
      encrypted: true,
      mx: NAME,
      address: HOST,
      fallback: null,
    });
    expect(row?.tls?.version).toBe('TLSv1.3');
    expect(server.messages.map(({ queueId, encrypted }) => [queueId, encrypted])).toEqual([
      [row?.queueId, true],
    ]);
  });

  test('credentials are shown inside TLS to the right server', async () => {
    const server = await relay('good', { account: ACCOUNT });
    const [row] = await submit(server, { credentials: ACCOUNT });
    expect(row?.status).toBe('delivered');
    expect(server.commands.findIndex((line) => line.startsWith('AUTH'))).toBeGreaterThan(
      server.commands.indexOf('STARTTLS'),
    );
  });

  test('TLS may come first, as on port 465', async () => {
    const server = await relay('good', { account: ACCOUNT, implicitTls: true });
    const [row] = await submit(server, { credentials: ACCOUNT, implicitTls: true });
    expect(row).toMatchObject({ status: 'delivered', encrypted: true });
    expect(server.commands).not.toContain('STARTTLS');
  });

  test('a wrong password is told in the server’s words, and nothing is sent', async () => {
    const server = await relay('good', { account: ACCOUNT });
    const [row] = await submit(server, { credentials: { ...ACCOUNT, password: 'wrong' } });
    expect(row?.status).toBe('refused');
    expect(row?.reason).toContain('535 5.7.8');
    expect(server.messages).toHaveLength(0);
  });

  test.for([
    ['without STARTTLS', 'none', false],
    ['with a certificate for another name', 'good', true],
    ['that closes after STARTTLS', 'close', false],
    ['that talks garbage instead of TLS', 'garbage', false],
  ] as const)('a server %s never sees the password', async ([, habit, otherName]) => {
    const server = await relay(habit, { account: ACCOUNT, ...(otherName && { certificates: [other] }) });
    const [row] = await submit(server, { credentials: ACCOUNT });
    expect(row?.status).toBe('deferred');
    expect(server.commands.filter((line) => line.startsWith('AUTH'))).toEqual([]);
    expect(server.messages).toHaveLength(0);
  });

  test.for([
    ['close', 'delivered', 1],
    ['garbage', 'delivered', 1],
    ['alert', 'delivered', 1],
    ['none', 'delivered', 1],
    ['refuse-502', 'delivered', 1],
  ] as const)('opportunistic, without credentials: %s', async ([habit, status, arrivals]) => {
    const server = await relay(habit);
    const [row] = await submit(server, { level: 'opportunistic' });
    expect([row?.status, row?.encrypted, server.messages.length]).toEqual([status, false, arrivals]);
    expect(row?.fallback === null).toBe(habit === 'none');
  });

  test('under "encrypt" a server without TLS gets nothing', async () => {
    const server = await relay('none');
    const [row] = await submit(server, { level: 'encrypt' });
    expect(row?.status).toBe('deferred');
    expect(server.messages).toHaveLength(0);
  });

  test('a message whose confirmation is lost is not sent again', async () => {
    const server = await relay('data-lost');
    const [row] = await submit(server);
    expect(row?.status).toBe('unknown');
    expect(server.messages).toHaveLength(1);
  });

  test('a recipient that is refused is told as such', async () => {
    const server = await relay('rcpt-550');
    const rows = await submit(server, {}, ['b@x.test', 'c@x.test']);
    expect(rows.map(({ recipient, status }) => [recipient, status])).toEqual([
      ['b@x.test', 'refused'],
      ['c@x.test', 'refused'],
    ]);
    expect(rows[0]?.reason).toContain('550 5.1.1');
  });

  test.for(['hang-banner', 'tarpit', 'hang'] as const)(
    'a server that stalls (%s) is given up',
    async (habit) => {
      const [row] = await submit(await relay(habit));
      expect(row?.status).toBe('deferred');
    },
  );
});

describe('the name of a smarthost', () => {
  test.for([
    ['smtp.example.org', 'smtp.example.org', 587, false],
    ['SMTP.example.org:465', 'smtp.example.org', 465, true],
    ['192.0.2.1:25', '192.0.2.1', 25, false],
    ['[2001:db8::1]:587', '2001:db8::1', 587, false],
  ] as const)('%s', ([text, host, port, implicitTls]) => {
    expect(parseSmarthost(text)).toEqual({ host, port, implicitTls });
  });

  test.for(['', 'a b', 'smtp.example.org:99999', 'user@smtp.example.org', 'smtp.example.org:x'])(
    'not "%s"',
    (text) => {
      expect(() => parseSmarthost(text)).toThrow('--via');
    },
  );
});
