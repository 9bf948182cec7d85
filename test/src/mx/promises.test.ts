import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createStub } from '../../../src/dns/stub.ts';
import { parseResolver } from '../../../src/dns/system.ts';
import { createAuthority, selfSigned } from '../../../src/lab/certificates.ts';
import { type DnsLab, startDnsServer } from '../../../src/lab/dns-server.ts';
import type { Habit } from '../../../src/lab/habits.ts';
import { type MailLab, startMailServer } from '../../../src/lab/mail-server.ts';
import { type PolicyHostHabit, type PolicyHostLab, startPolicyHost } from '../../../src/lab/policy-host.ts';
import { findMtaSts } from '../../../src/mta-sts/find.ts';
import { deliver } from '../../../src/send/deliver.ts';
import { parseMailbox } from '../../../src/send/mailbox.ts';
import { prepareMessage, testMessage } from '../../../src/send/message.ts';
import { labProbe, labWorld, NOW_MS, type ProbeChanges } from '../../helpers/lab.ts';

// What a domain promises by MTA-STS, what its servers do, and what `mx probe` and `send` make of both. And the rest
// of what can be asked of a server: where mail programs submit, again and again, nothing at all.

const HOST = '127.1.12.1';
let authority: Awaited<ReturnType<typeof createAuthority>>;
let dnsServer: DnsLab;
const mail = new Map<string, MailLab>();
const policyHosts: PolicyHostLab[] = [];

async function serve(
  name: string,
  habit: Habit,
  kind: 'good' | 'self-signed' | 'soon' = 'good',
  implicitTls = false,
) {
  const names = ['mx.x.test'];
  const certificate =
    kind === 'self-signed'
      ? await selfSigned({ names }, NOW_MS)
      : await authority.issue({ names, ...(kind === 'soon' && { notAfterMs: NOW_MS + 5.5 * 86_400_000 }) });
  mail.set(
    name,
    await startMailServer({
      hostname: 'mx.x.test',
      habit,
      certificates: [certificate],
      host: HOST,
      implicitTls,
    }),
  );
}

beforeAll(async () => {
  authority = await createAuthority('Promise test authority', NOW_MS);
  dnsServer = await startDnsServer({ zone: {} });
  await serve('good', 'good');
  await serve('self-signed', 'good', 'self-signed');
  await serve('soon', 'good', 'soon');
  await serve('none', 'none');
  await serve('implicit', 'good', 'good', true);
  await serve('implicit self-signed', 'good', 'self-signed', true);
  await serve('intermittent', 'intermittent');
  await serve('masked', 'masked');
  await serve('greet-450', 'greet-450');
  await serve('ehlo-differs', 'ehlo-differs');
});
afterAll(async () => {
  await Promise.all([
    dnsServer.close(),
    ...[...mail.values(), ...policyHosts].map((server) => server.close()),
  ]);
});

const ZONE = {
  'x.test': { MX: [{ preference: 10, exchange: 'mx.x.test' }] },
  'mx.x.test': { A: [HOST] },
};

function policy(mode: string, ...mx: string[]): string {
  return `version: STSv1\nmode: ${mode}\n${mx.map((name) => `mx: ${name}\n`).join('')}max_age: 604800\n`;
}

async function laboratory(server: string, text: string | null, habit: PolicyHostHabit = 'good') {
  const promised = {
    '_mta-sts.x.test': { TXT: [['v=STSv1; ', 'id=1']] },
    'mta-sts.x.test': { A: ['127.0.0.1'] },
  };
  dnsServer.setZone({ ...ZONE, ...(text !== null && promised) });
  const host = await startPolicyHost({
    name: 'mta-sts.x.test',
    authority,
    nowMs: NOW_MS,
    policy: text ?? '',
    habit,
  });
  policyHosts.push(host);
  const dns = createStub({
    servers: [parseResolver(`127.0.0.1:${dnsServer.port}`)],
    timeoutMs: 1500,
    cacheSize: 0,
  });
  const reach = { dns, port: mail.get(server)?.port ?? 0, caPem: authority.certificatePem };
  const world = {
    ...labWorld(reach),
    httpsPort: host.port,
    ca: authority.certificatePem,
    cache: null,
    timeoutMs: 3000,
  };
  return { reach, mtaSts: (domain: string) => findMtaSts(domain, world), close: () => dns.close() };
}

async function probe(
  server: string,
  text: string | null = null,
  habit?: PolicyHostHabit,
  changes: ProbeChanges = {},
  domain = 'x.test',
) {
  const { reach, mtaSts, close } = await laboratory(server, text, habit);
  try {
    return await labProbe(reach, domain, { mtaSts, ...changes });
  } finally {
    close();
  }
}

describe('MTA-STS', () => {
  const enforce = policy('enforce', 'mx.x.test');
  test.for([
    ['kept', 'good', enforce, 'ok', 'mta-sts.cert', 'encrypted'],
    ['a certificate that will not do', 'self-signed', enforce, 'crit', 'mta-sts.cert', 'deferred'],
    ['no STARTTLS', 'none', enforce, 'crit', 'mta-sts.starttls', 'deferred'],
    [
      'an exchanger that is not named',
      'good',
      policy('enforce', 'mx.y.test'),
      'crit',
      'mta-sts.mx',
      'deferred',
    ],
    ['a wildcard', 'good', policy('enforce', '*.x.test'), 'ok', 'mta-sts.cert', 'encrypted'],
    ['a certificate that expires soon', 'soon', enforce, 'warn', 'cert.expiry', 'encrypted'],
    [
      'testing, and not kept',
      'self-signed',
      policy('testing', 'mx.x.test'),
      'warn',
      'mta-sts.cert',
      'encrypted',
    ],
    ['mode none', 'self-signed', policy('none'), 'ok', 'mta-sts.policy', 'encrypted'],
    ['no policy', 'self-signed', null, 'ok', 'mta-sts.record', 'encrypted'],
  ] as const)('%s', async ([, server, text, status, check, sender]) => {
    const result = await probe(server, text);
    const checks = [...result.checks, ...(result.hosts[0]?.addresses[0]?.checks ?? [])];
    expect(result.status).toBe(status);
    expect(checks.find(({ id }) => id === check)?.status).toBe(status);
    expect(result.senders.find((each) => each.sender === 'mta-sts')?.outcome).toBe(sender);
  });

  test('a policy that cannot be fetched is a warning, by the name that reports give it', async () => {
    const result = await probe('self-signed', enforce, 'expired');
    expect(result).toMatchObject({
      status: 'warn',
      mtaSts: { kind: 'failed', resultType: 'sts-webpki-invalid' },
    });
  });

  test.for([
    ['good', enforce, 'mta-sts', 'delivered'],
    ['good', enforce, 'auto', 'delivered'],
    ['self-signed', enforce, 'auto', 'deferred'],
    ['none', enforce, 'mta-sts', 'deferred'],
    ['good', policy('enforce', 'mx.y.test'), 'auto', 'deferred'],
    ['self-signed', policy('testing', 'mx.x.test'), 'auto', 'delivered'],
    ['none', null, 'auto', 'delivered'],
    ['none', enforce, 'opportunistic', 'delivered'],
  ] as const)('send to %s, policy %j, as %s: %s', async ([server, text, asked, status]) => {
    const { reach, mtaSts, close } = await laboratory(server, text);
    const before = mail.get(server)?.messages.length ?? 0;
    const to = [parseMailbox('b@x.test', 'to')];
    const message = prepareMessage(testMessage('a@y.test', ['b@x.test']), { id: '<1@y.test>', nowMs: 0 });
    const sent = await deliver(parseMailbox('a@y.test', 'from'), to, message, {
      ...labWorld(reach),
      mtaSts,
      policy: asked,
    });
    close();
    expect(sent.deliveries[0]?.status).toBe(status);
    expect((mail.get(server)?.messages.length ?? 0) - before).toBe(status === 'delivered' ? 1 : 0);
  });

  test('a message that says "TLS-Required: No" is delivered all the same', async () => {
    const { reach, mtaSts, close } = await laboratory('self-signed', enforce);
    const raw = Buffer.concat([Buffer.from('TLS-Required: No\r\n'), testMessage('a@y.test', ['b@x.test'])]);
    const message = prepareMessage(raw, { id: '<1@y.test>', nowMs: 0 });
    const to = [parseMailbox('b@x.test', 'to')];
    const sent = await deliver(null, to, message, { ...labWorld(reach), mtaSts, policy: 'auto' });
    close();
    expect(sent.deliveries[0]).toMatchObject({
      status: 'delivered',
      levelReason: 'the message says "TLS-Required: No"',
    });
  });
});

describe('REQUIRETLS', () => {
  test.for([
    ['ehlo-differs', policy('enforce', 'mx.x.test'), 'delivered', / REQUIRETLS$/],
    ['good', policy('enforce', 'mx.x.test'), 'refused', null],
    ['ehlo-differs', null, 'refused', null],
  ] as const)('to %s, policy %j: %s', async ([server, text, status, mailCommand]) => {
    const { reach, mtaSts, close } = await laboratory(server, text);
    const to = [parseMailbox('b@x.test', 'to')];
    const message = prepareMessage(testMessage('a@y.test', ['b@x.test']), { id: '<1@y.test>', nowMs: 0 });
    const before = mail.get(server)?.commands.length ?? 0;
    const sent = await deliver(null, to, message, {
      ...labWorld(reach),
      mtaSts,
      policy: 'auto',
      requireTls: true,
    });
    close();
    expect(sent.deliveries[0]?.status).toBe(status);
    const said = mail
      .get(server)
      ?.commands.slice(before)
      .find((line) => line.startsWith('MAIL'));
    if (mailCommand) expect(said).toMatch(mailCommand);
    else expect(said).toBeUndefined();
  });
});

describe('where mail programs submit', () => {
  const services = (name: string, implicitTls: boolean) => [{ port: mail.get(name)?.port ?? 0, implicitTls }];
  test.for([
    ['good', false, 'ok', 'safely'],
    ['implicit', true, 'ok', 'safely'],
    ['self-signed', false, 'crit', 'not safe'],
    ['implicit self-signed', true, 'crit', 'not safe'],
    ['none', false, 'crit', 'not safe'],
  ] as const)('%s', async ([name, implicitTls, status, words]) => {
    const result = await probe(
      name,
      null,
      undefined,
      { submission: true, services: services(name, implicitTls) },
      'mx.x.test',
    );
    expect([result.status, result.exchangers.kind]).toEqual([status, 'submission']);
    expect(result.summary).toContain(words);
    expect(result.senders).toEqual([]);
  });

  test('SRV records lead there', async () => {
    const { reach, close } = await laboratory('good', null);
    const srv = { priority: 0, weight: 1, port: 587, target: 'mx.x.test' };
    dnsServer.setZone({ ...ZONE, '_submission._tcp.y.test': { SRV: [srv] } });
    const result = await labProbe(reach, 'y.test', { submission: true });
    close();
    expect(result.exchangers.hosts).toEqual(['mx.x.test']);
    expect(result.status).toBe('ok');
  });
});

describe('asked again', () => {
  test('STARTTLS that is offered at times only is found by repeating', async () => {
    const address = (await probe('intermittent', null, undefined, { repeat: 4 })).hosts[0]?.addresses[0];
    expect(address?.offers).toEqual({ rounds: 4, offered: 2 });
    expect(address?.checks.find(({ id }) => id === 'smtp.starttls.intermittent')?.status).toBe('warn');
  });

  test('a masked keyword is suspicious: it is asked three times, and that is told', async () => {
    const before = mail.get('masked')?.connections ?? 0;
    const address = (await probe('masked')).hosts[0]?.addresses[0];
    expect((mail.get('masked')?.connections ?? 0) - before).toBe(3);
    expect(address?.offers).toEqual({ rounds: 3, offered: 0 });
  });

  test('greylisting is asked again as often as wished, and stays unknown', async () => {
    const before = mail.get('greet-450')?.connections ?? 0;
    const result = await probe('greet-450', null, undefined, { retries: 2 });
    expect((mail.get('greet-450')?.connections ?? 0) - before).toBe(3);
    expect(result.status).toBe('unknown');
  });
});

test('with --dns-only nobody is connected to, and what the DNS promises is told', async () => {
  const before = mail.get('self-signed')?.connections ?? 0;
  const result = await probe('self-signed', policy('enforce', 'mx.x.test'), undefined, { dnsOnly: true });
  expect(mail.get('self-signed')?.connections).toBe(before);
  expect(result.status).toBe('ok');
  expect(result.summary).toBe(
    'The servers of x.test were not asked; its DNS promises no DANE and MTA-STS in mode enforce.',
  );
});

test('when nothing is heard from anywhere, this network is named as the likely reason', async () => {
  const silent = () =>
    new Promise<never>((_, reject) => setTimeout(() => reject(new Error('never')), 60_000).unref());
  const result = await probe('good', null, undefined, {
    dial: (_, signal) =>
      Promise.race([
        silent(),
        new Promise<never>((__, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      ]),
    timeouts: { connectMs: 50, bannerMs: 50, commandMs: 50, tlsMs: 50, totalMs: 500 },
  });
  expect(result.status).toBe('unknown');
  expect(result.checks.find(({ id }) => id === 'local.port25-blocked')?.status).toBe('unknown');
});

test('a server with two certificates shows both, and DANE has to hold for each', async () => {
  const names = ['mx.x.test'];
  const [ec, rsa] = [await authority.issue({ names }), await authority.issue({ names, keyType: 'rsa' })];
  const server = await startMailServer({
    hostname: 'mx.x.test',
    habit: 'good',
    certificates: [ec, rsa],
    host: HOST,
  });
  mail.set('both', server);
  const { reach, close } = await laboratory('both', null);
  const tlsa = (data: string) => ({ certUsage: 3, selector: 1, match: 1, data });
  const signed = { ...ZONE, 'x.test': { ...ZONE['x.test'], secure: true } };
  dnsServer.setZone({ ...signed, '_25._tcp.mx.x.test': { TLSA: [tlsa(ec.spkiSha256)] } });
  const one = (await labProbe(reach, 'x.test', { bothCertificates: true })).hosts[0]?.addresses[0];
  expect(one?.certificatesByKey?.rsa?.key).toBe('RSA 2048');
  expect(one?.certificatesByKey?.ecdsa?.key).toMatch(/^EC /);
  expect(one?.dane?.result).toBe('mismatch');
  dnsServer.setZone({
    ...signed,
    '_25._tcp.mx.x.test': { TLSA: [tlsa(ec.spkiSha256), tlsa(rsa.spkiSha256)] },
  });
  const both = (await labProbe(reach, 'x.test', { bothCertificates: true })).hosts[0]?.addresses[0];
  close();
  expect(both?.dane?.result).toBe('authenticated');
});
