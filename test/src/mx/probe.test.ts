import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HABITS, type Habit } from '../../../src/lab/habits.ts';
import { type Lab, type LabDomain, labProbe, type ProbeChanges, startLab } from '../../helpers/lab.ts';

/** What a probe must say of each habit: the state, the check that decides it, and how far it came. */
const EXPECTED: Readonly<Record<Habit, readonly [status: string, check: string, starttls: string]>> = {
  good: ['ok', 'tls.version', 'offered'],
  none: ['crit', 'smtp.starttls.offered', 'not-offered'],
  masked: ['crit', 'smtp.starttls.offered', 'not-offered'],
  intermittent: ['ok', 'tls.version', 'offered'],
  close: ['crit', 'smtp.starttls.accepted', 'offered'],
  'close-after-220': ['crit', 'tls.handshake', 'offered'],
  'refuse-454': ['unknown', 'smtp.starttls.accepted', 'offered'],
  'refuse-502': ['crit', 'smtp.starttls.accepted', 'offered'],
  garbage: ['crit', 'tls.handshake', 'offered'],
  hang: ['crit', 'tls.handshake', 'offered'],
  inject: ['crit', 'smtp.starttls.injected', 'offered'],
  'inject-partial': ['crit', 'smtp.starttls.injected', 'offered'],
  alert: ['crit', 'tls.handshake', 'offered'],
  'tls10-only': ['crit', 'tls.version', 'offered'],
  'tls11-only': ['crit', 'tls.version', 'offered'],
  'tls12-only': ['ok', 'tls.version', 'offered'],
  'tls10-also': ['ok', 'tls.version', 'offered'],
  'mlkem-only': ['ok', 'tls.version', 'offered'],
  'classic-only': ['ok', 'tls.version', 'offered'],
  anonymous: ['ok', 'tls.version', 'offered'],
  'client-cert': ['ok', 'tls.version', 'offered'],
  'no-close-notify': ['ok', 'tls.version', 'offered'],
  'hang-banner': ['unknown', 'smtp.silent', 'unknown'],
  'greet-close': ['unknown', 'smtp.closed', 'unknown'],
  'greet-450': ['unknown', 'smtp.banner', 'unknown'],
  'greet-421': ['unknown', 'smtp.banner', 'unknown'],
  'greet-554': ['unknown', 'smtp.banner', 'unknown'],
  'long-banner': ['warn', 'smtp.banner.form', 'offered'],
  'many-lines': ['unknown', 'smtp.reply.too-long', 'unknown'],
  'long-line': ['unknown', 'smtp.reply.too-long', 'unknown'],
  'no-hostname': ['warn', 'smtp.banner', 'offered'],
  'not-smtp': ['unknown', 'smtp.protocol', 'unknown'],
  'control-characters': ['ok', 'tls.version', 'offered'],
  tarpit: ['unknown', 'smtp.tarpit', 'unknown'],
  'ehlo-refused': ['unknown', 'smtp.ehlo', 'unknown'],
  'ehlo-busy': ['unknown', 'smtp.ehlo', 'unknown'],
  'mixed-codes': ['unknown', 'smtp.protocol', 'unknown'],
  'ehlo-differs': ['ok', 'tls.version', 'offered'],
  'auth-before-tls': ['warn', 'smtp.auth.plaintext', 'offered'],
  'starttls-inside': ['warn', 'smtp.starttls.again', 'offered'],
  'bare-lf': ['warn', 'smtp.banner.form', 'offered'],
  'need-starttls': ['ok', 'tls.version', 'offered'],
  'rcpt-450': ['ok', 'tls.version', 'offered'],
  'rcpt-550': ['ok', 'tls.version', 'offered'],
  'no-relay': ['ok', 'tls.version', 'offered'],
  'carries-over': ['ok', 'tls.version', 'offered'],
  'any-line-end': ['ok', 'tls.version', 'offered'],
  'data-lost': ['ok', 'tls.version', 'offered'],
};

/** What ends the conversation, where it does not come to its end. */
const FAULTS: Readonly<Partial<Record<Habit, readonly [phase: string, kind: string]>>> = {
  close: ['starttls', 'closed'],
  'close-after-220': ['tls', 'closed'],
  'refuse-454': ['starttls', 'rejected'],
  'refuse-502': ['starttls', 'rejected'],
  garbage: ['tls', 'not-tls'],
  hang: ['tls', 'timeout'],
  inject: ['starttls', 'injection'],
  'inject-partial': ['starttls', 'injection'],
  alert: ['tls', 'alert'],
  'hang-banner': ['banner', 'timeout'],
  'greet-close': ['banner', 'closed'],
  'greet-450': ['banner', 'rejected'],
  'greet-421': ['banner', 'rejected'],
  'greet-554': ['banner', 'rejected'],
  'many-lines': ['banner', 'reply-too-long'],
  'long-line': ['banner', 'reply-too-long'],
  'not-smtp': ['banner', 'protocol'],
  tarpit: ['banner', 'tarpit'],
  'ehlo-refused': ['ehlo', 'rejected'],
  'ehlo-busy': ['ehlo', 'rejected'],
  'mixed-codes': ['ehlo', 'protocol'],
};

/** Habits that are asked again: in doubt, or with suites that have no certificate. */
const CONNECTIONS: Readonly<Partial<Record<Habit, number>>> = { masked: 3, alert: 2, anonymous: 2 };

const domains: Record<string, LabDomain> = {
  ...Object.fromEntries(HABITS.map((habit) => [`${habit}.test`, { habit }])),
  'selfsigned.test': { habit: 'good', certificate: 'self-signed' },
  'expired.test': { habit: 'good', certificate: 'expired' },
  'wrongname.test': { habit: 'good', certificate: 'wrong-name' },
  'rsa.test': { habit: 'good', certificate: 'rsa' },
};

let lab: Lab;
const probe = (text: string, changes: ProbeChanges = {}) => labProbe(lab, text, changes);

beforeAll(async () => {
  lab = await startLab(1, domains);
});
afterAll(() => lab.close());

describe('a server of the habit', () => {
  test.for(HABITS)('%s is told as what it is, with one connection unless it is suspicious', async (habit) => {
    const before = lab.server(`${habit}.test`).connections;
    const result = await probe(`${habit}.test`);
    const address = result.hosts[0]?.addresses[0];
    const [status, check, starttls] = EXPECTED[habit];
    const { phase, kind } = address?.fault ?? {};
    expect({ status: result.status, starttls: address?.starttls }).toEqual({ status, starttls });
    expect(address?.checks.find(({ id }) => id === check)?.status).toBe(status);
    expect(address?.fault ? [phase, kind] : undefined).toEqual(FAULTS[habit]);
    expect(lab.server(`${habit}.test`).connections - before).toBe(CONNECTIONS[habit] ?? 1);
  });
});

describe('certificates without DANE or MTA-STS are information', () => {
  test.for([
    ['good.test', true, true, null],
    ['rsa.test', true, true, null],
    ['selfsigned.test', false, true, 'it is self-signed'],
    ['expired.test', false, true, expect.stringMatching(/^it expired on 20/)],
    ['wrongname.test', true, false, null],
  ] as const)('%s', async ([domain, trusted, coversHost, distrust]) => {
    const result = await probe(domain);
    expect(result.status).toBe('ok');
    expect(result.hosts[0]?.addresses[0]?.certificate).toMatchObject({ trusted, coversHost, distrust });
  });

  test('and expiry is judged as of the time that was given', async () => {
    const later = await probe('good.test', { asOfMs: Date.now() + 400 * 86_400_000 });
    const earlier = await probe('expired.test', { asOfMs: Date.now() - 30 * 86_400_000 });
    expect(later.hosts[0]?.addresses[0]?.certificate?.trusted).toBe(false);
    expect(earlier.hosts[0]?.addresses[0]?.certificate?.trusted).toBe(true);
  });

  test('an authority that was not named is not known', async () => {
    const { clientContext } = await import('../../../src/smtp/tls.ts');
    const result = await probe('good.test', { context: clientContext() });
    expect(result.hosts[0]?.addresses[0]?.certificate).toMatchObject({ trusted: false });
  });
});

describe('what is negotiated is told', () => {
  test.for([
    ['good.test', 'TLSv1.3', 'X25519MLKEM768', true],
    ['classic-only.test', 'TLSv1.3', 'X25519', false],
    ['mlkem-only.test', 'TLSv1.3', 'X25519MLKEM768', true],
    ['tls12-only.test', 'TLSv1.2', expect.any(String), expect.any(Boolean)],
    ['tls10-only.test', 'TLSv1.0', expect.any(String), false],
  ] as const)('%s', async ([domain, version, group, postQuantum]) => {
    const result = await probe(domain);
    expect(result.hosts[0]?.addresses[0]?.tls).toMatchObject({ version, group, postQuantum });
  });

  test('extensions before and inside TLS are kept apart', async () => {
    const address = (await probe('ehlo-differs.test')).hosts[0]?.addresses[0];
    expect(address?.extensions).toContain('STARTTLS');
    expect(address?.extensionsInTls).toEqual(['SIZE', '8BITMIME', 'REQUIRETLS', 'AUTH']);
  });

  test('what a server sends in place of TLS is quoted', async () => {
    const address = (await probe('garbage.test')).hosts[0]?.addresses[0];
    expect(address?.fault?.evidence).toBe('500 5.5.1 Command unrecognized\\x0d\\x0a');
  });

  test('injected bytes are quoted', async () => {
    const address = (await probe('inject-partial.test')).hosts[0]?.addresses[0];
    expect(address?.fault?.evidence).toBe('250 tail without an end');
  });

  test('control characters of a banner are escaped', async () => {
    const address = (await probe('control-characters.test')).hosts[0]?.addresses[0];
    expect(address?.banner).toMatch(/^[\x20-\x7e]*$/);
    expect(address?.banner).toContain('\\x1b]0;owned\\x07');
  });
});

describe('each version asked for by itself', () => {
  test.for([
    ['good.test', ['refused', 'refused', 'offered', 'offered'], 'ok'],
    ['tls10-also.test', ['offered', 'offered', 'offered', 'offered'], 'warn'],
    ['tls10-only.test', ['offered', 'refused', 'refused', 'refused'], 'ok'],
    ['tls12-only.test', ['refused', 'refused', 'offered', 'refused'], 'ok'],
    ['mlkem-only.test', ['refused', 'refused', 'refused', 'offered'], 'ok'],
  ] as const)('%s', async ([domain, answers, status]) => {
    const before = lab.server(domain).connections;
    const address = (await probe(domain, { versions: true })).hosts[0]?.addresses[0];
    expect(Object.values(address?.versions ?? {})).toEqual(answers);
    expect(address?.checks.find(({ id }) => id === 'tls.versions')?.status).toBe(status);
    expect(lab.server(domain).connections - before).toBe(5);
  });

  test('is not done unless it is asked for', async () => {
    expect((await probe('good.test')).hosts[0]?.addresses[0]?.versions).toBeNull();
  });
});

describe('what senders would do without DANE and MTA-STS', () => {
  const [enc, plain, later, open] = ['encrypted', 'plaintext', 'deferred', 'unknown'];
  test.for([
    // opportunistic, encrypt, dane, dane-only, verify, secure, mta-sts
    ['good.test', enc, enc, enc, later, enc, enc, enc],
    ['selfsigned.test', enc, enc, enc, later, later, later, enc],
    ['expired.test', enc, enc, enc, later, later, later, enc],
    ['wrongname.test', enc, enc, enc, later, later, later, enc],
    ['none.test', plain, later, plain, later, later, later, plain],
    ['close.test', plain, later, plain, later, later, later, plain],
    ['greet-554.test', ...Array(7).fill('refused')],
    ['gone.test', open, open, open, open, open, open, open],
  ] as const)('%s', async ([domain, ...outcomes]) => {
    const { senders } = await probe(domain);
    expect(senders.map(({ sender }) => sender)).toEqual([
      'opportunistic',
      'encrypt',
      'dane',
      'dane-only',
      'verify',
      'secure',
      'mta-sts',
    ]);
    expect(senders.map(({ outcome }) => outcome)).toEqual(outcomes);
  });
});

describe('the DNS decides who is asked', () => {
  test('several exchangers and addresses each have their result, and one without STARTTLS is a warning', async () => {
    const [good, none] = [lab.server('good.test').host, lab.server('none.test').host];
    lab.dnsServer.setZone({
      'two.test': {
        MX: [
          { preference: 20, exchange: 'b.two.test' },
          { preference: 10, exchange: 'a.two.test' },
        ],
      },
      'a.two.test': { A: [good, none] },
      'b.two.test': { A: [good] },
    });
    const result = await probe('two.test');
    lab.dnsServer.setZone(lab.zone);
    expect(result.exchangers.hosts).toEqual(['a.two.test', 'b.two.test']);
    expect(result.hosts.map(({ addresses }) => addresses.map(({ ip, status }) => [ip, status]))).toEqual([
      [
        [good, 'ok'],
        [none, 'warn'],
      ],
      [[good, 'ok']],
    ]);
    expect(result.status).toBe('warn');
    expect(result.summary).toContain('at 2 of 3 addresses');
  });

  const shared = 'mx.good.test';
  test.for([
    [
      'a domain without MX is its own exchanger',
      'bare.test',
      { 'bare.test': {} },
      'implicit',
      'crit',
      'dns.address',
    ],
    [
      'null MX',
      'null.test',
      { 'null.test': { MX: [{ preference: 0, exchange: '.' }] } },
      'null-mx',
      'ok',
      'dns.mx.null',
    ],
    [
      'null MX at a preference',
      'null.test',
      { 'null.test': { MX: [{ preference: 5, exchange: '.' }] } },
      'null-mx',
      'warn',
      'dns.mx.null',
    ],
    ['no such domain', 'nowhere.test', {}, 'no-domain', 'crit', 'dns.mx'],
    ['SERVFAIL', 'fails.test', { 'fails.test': { habit: 'SERVFAIL' } }, 'unknown', 'unknown', 'dns.mx'],
    [
      'a DNS server that never answers',
      'silent.test',
      { 'silent.test': { habit: 'silent' } },
      'unknown',
      'unknown',
      'dns.mx',
    ],
    [
      'a bogus signature',
      'bogus.test',
      { 'bogus.test': { habit: 'bogus', MX: [{ preference: 1, exchange: shared }] } },
      'unknown',
      'crit',
      'dns.bogus',
    ],
    [
      'an exchanger without address',
      'empty.test',
      { 'empty.test': { MX: [{ preference: 1, exchange: 'mx.empty.test' }] } },
      'listed',
      'crit',
      'dns.address',
    ],
    [
      'an address in place of a name',
      'literal.test',
      { 'literal.test': { MX: [{ preference: 1, exchange: '127.1.1.1' }] } },
      'listed',
      'crit',
      'dns.mx.literal',
    ],
  ] as const)('%s', async ([, domain, zone, kind, status, check]) => {
    lab.dnsServer.setZone(zone);
    const result = await probe(domain);
    lab.dnsServer.setZone(lab.zone);
    expect(result.exchangers.kind).toBe(kind);
    expect(result.status).toBe(status);
    expect(result.checks.map(({ id }) => id)).toContain(check);
  });

  test('an exchanger that is an alias is followed and warned about', async () => {
    lab.dnsServer.setZone({
      ...lab.zone,
      'alias.test': { MX: [{ preference: 1, exchange: 'mx.alias.test' }] },
      'mx.alias.test': { CNAME: ['mx.good.test'] },
    });
    const result = await probe('alias.test');
    lab.dnsServer.setZone(lab.zone);
    expect(result.status).toBe('warn');
    expect(result.hosts[0]?.cnames).toEqual(['mx.alias.test']);
    expect(result.hosts[0]?.addresses[0]?.starttls).toBe('offered');
  });

  test('private addresses are refused unless they are allowed', async () => {
    const before = lab.server('good.test').connections;
    const result = await probe('good.test', { allowPrivate: false });
    expect(result.hosts[0]?.addresses[0]?.checks[0]?.id).toBe('net.not-public');
    expect(lab.server('good.test').connections).toBe(before);
  });

  test('a server that is not there leaves it unknown', async () => {
    const result = await probe('gone.test');
    expect(result.status).toBe('unknown');
    expect(result.summary).toMatch(
      /^It could not be told .* \(127\.1\.1\.\d+: the connection was refused\)\.$/,
    );
  });

  test('an address is asked without the DNS', async () => {
    const result = await probe(lab.server('good.test').host);
    expect(result.exchangers).toMatchObject({ kind: 'address' });
    expect(result.hosts[0]?.addresses[0]?.starttls).toBe('offered');
  });

  test('the run ends when it is interrupted', async () => {
    const stop = new AbortController();
    const running = probe('hang-banner.test', { signal: stop.signal });
    setTimeout(() => stop.abort(new Error('stopped')), 50);
    await expect(running).rejects.toThrow('stopped');
  });
});
