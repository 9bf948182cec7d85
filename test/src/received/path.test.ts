import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readHeader } from '../../../src/message/headers.ts';
import { describePath, type PathOptions } from '../../../src/received/path.ts';
import type { MessagePath } from '../../../src/received/types.ts';

const NOW = Date.parse('2026-11-25T00:00:00Z');

function pathOf(bytes: Uint8Array, options: Partial<PathOptions> = {}): MessagePath {
  const { fields, bodyStart, truncated } = readHeader(bytes);
  const body = bodyStart === null ? {} : { body: bytes.subarray(bodyStart) };
  return describePath({ fields, truncated, target: 'test', ...body }, { nowMs: NOW, ...options });
}

function pathOfFile(name: string, options: Partial<PathOptions> = {}): MessagePath {
  return pathOf(readFileSync(new URL(`../../fixtures/received/${name}.eml`, import.meta.url)), options);
}

function pathOfText(text: string, options: Partial<PathOptions> = {}): MessagePath {
  return pathOf(Buffer.from(text), options);
}

const ids = (path: MessagePath) => path.checks.map((check) => check.id);

test('hops come oldest first, and the border is where the message came from outside', () => {
  const path = pathOfFile('delivered');
  expect(path.hops.map((hop) => [hop.index, hop.by, hop.encrypted, hop.trusted, hop.border])).toEqual([
    [0, 'app.example.com', 'yes', false, false],
    [1, 'out.example.com', 'no', false, false],
    [2, 'mx1.example.org', 'yes', true, true],
    [3, 'localhost', 'local', true, false],
    [4, 'mx1.example.org', 'local', true, false],
    [5, 'store.example.org', 'local', true, false],
  ]);
  expect(path.border).toBe(2);
  expect(path.status).toBe('ok');
  expect(path.summary).toBe(
    "Entered your system at mx1.example.org from 203.0.113.5 on 2026-11-24T10:00:00Z, TLS 1.3, X25519; the two hops before that are the sender's claim.",
  );
});

test('delays are whole seconds, and a clock that is wrong is shown as such', () => {
  const path = pathOfFile('delivered');
  expect(path.hops.map((hop) => hop.delaySeconds)).toEqual([null, -3, 598, 1, 2, 0]);
  expect(path.hops[1]?.flags).toContain('clock-skew');
  expect(path.hops[2]?.flags).toContain('slow');
  expect(path.totalSeconds).toBe(598);
  expect(ids(path)).toEqual([
    'path.border.encrypted',
    'path.hop.plaintext',
    'path.hop.weak-tls',
    'path.delay',
    'path.clock-skew',
    'path.content',
  ]);
  expect(path.checks.find((check) => check.id === 'path.hop.plaintext')?.evidence).toBe(
    'hop 2 (out.example.com)',
  );
});

test('what the border server saw is observed; HELO, and all of an older hop, is claimed', () => {
  const { hops } = pathOfFile('delivered');
  expect(hops[2]?.observed).toEqual(['ip', 'rdns', 'tls', 'id', 'date']);
  expect(hops[2]?.claimed).toEqual(['helo']);
  expect(hops[0]?.observed).toEqual([]);
  expect(hops[0]?.claimed).toEqual(['helo', 'ip', 'rdns', 'tls', 'auth', 'id', 'date']);
  expect(hops[0]).toMatchObject({ submission: true, auth: { user: 'anna@example.com' } });
});

test('a hop knows where its field stands in the input', () => {
  const bytes = readFileSync(new URL('../../fixtures/received/delivered.eml', import.meta.url));
  for (const hop of pathOf(bytes).hops) {
    const text = bytes.subarray(...hop.range).toString();
    expect(text).toBe(`Received:${hop.raw}\n`);
  }
});

test('a border hop in plaintext is a warning; encrypted content is told, and changes nothing', () => {
  const path = pathOfFile('plaintext');
  expect(path).toMatchObject({ status: 'warn', border: 0, content: 'pgp-mime' });
  expect(path.summary).toBe(
    'Entered your system at mx1.example.org from 203.0.113.5 on 2026-11-24T10:00:00Z, without encryption; there is no hop before that.',
  );
});

test('a border hop that does not tell is unknown, never plaintext', () => {
  const path = pathOfFile('unknown');
  expect(path).toMatchObject({ status: 'unknown', border: 0, content: 'pgp-inline' });
  expect(path.summary).toContain('and the line does not tell whether it was encrypted');
});

test('no Received field at all is unknown', () => {
  const path = pathOfText('From: a@example.com\n\n');
  expect(path).toMatchObject({ status: 'unknown', border: null, hops: [], totalSeconds: null });
  expect(ids(path)[0]).toBe('path.received');
});

test('a chain below the border is not believed, whatever names it has', () => {
  const path = pathOfFile('forged');
  expect(path.border).toBe(3);
  expect(path.hops.filter((hop) => hop.trusted)).toHaveLength(1);
  expect(path.hops[3]?.flags).toEqual(
    expect.arrayContaining(['helo-own-name', 'date-backwards', 'before-date-header']),
  );
  expect(path.hops[2]?.flags).toEqual(expect.arrayContaining(['impossible-tls', 'id-format']));
  expect(path.hops[0]?.flags).toEqual(expect.arrayContaining(['below-http', 'future-date']));
  expect(ids(path)).toContain('path.forgery');
  expect(path.status).toBe('ok'); // the border itself says ESMTPS; the rest is information
});

test('Gmail: the hand-over inside is stepped over, foreign results are left out', () => {
  const path = pathOfFile('gmail');
  expect(path.border).toBe(1);
  expect(path.content).toBe('smime-encrypted');
  expect(path.annotations.map((note) => [note.kind, note.instance, note.afterHop, note.trusted])).toEqual([
    ['authentication-results', null, 2, true],
    ['x-received', null, 1, true],
    ['arc', 2, 1, true],
    ['arc', 2, 1, true],
    ['arc', 1, 0, false],
    ['origin', null, null, false],
  ]);
  expect(path.checks.find((check) => check.id === 'path.hop.plaintext')?.message).toBe('Every hop says TLS.');
});

test('hops inside of an organisation are told by a name that the options give', () => {
  expect(pathOfFile('exchange').border).toBe(1);
  const path = pathOfFile('exchange', { trustedBy: ['exchange.example'] });
  expect(path).toMatchObject({ border: 0, status: 'ok' });
  expect(path.hops.every((hop) => hop.trusted)).toBe(true);
});

test.for([
  ['by default the second exchanger is outside', {}, 1, 'ok'],
  ['the names of the exchangers', { mxHosts: ['mx1.example.org', 'mx2.example.org.'] }, 0, 'warn'],
  ['a domain', { trustedBy: ['example.org'] }, 0, 'warn'],
  ['an address', { trustedIps: ['192.0.2.22'] }, 0, 'warn'],
  ['a network', { trustedIps: ['192.0.2.16/28'] }, 0, 'warn'],
  ['another network', { trustedIps: ['192.0.2.32/28', '2001:db8::/32', 'nonsense'] }, 1, 'ok'],
] as const)('trust: %s', ([, options, border, status]) => {
  expect(pathOfFile('fallback', options)).toMatchObject({ border, status });
});

const OWN_RELAY = [
  'from mail.bank.example (mail.bank.example [192.0.2.20]) by mx1.uni.example (Postfix) with ESMTPS id A; Mon, 2 Nov 2020 01:57:23 +0000',
];
const withFields = (fields: readonly string[], options: Partial<PathOptions> = {}) =>
  pathOfText(fields.map((field) => `Received: ${field}\n`).join(''), options);
const FROM_MX1 = 'from mx1.uni.example (mx1.uni.example [198.51.100.10]) by imap.uni.example';

test('LMTP is spoken inside of a system, with whatever address', () => {
  const path = withFields([
    `${FROM_MX1} (Dovecot) with LMTP id B; Mon, 2 Nov 2020 01:57:24 +0000`,
    ...OWN_RELAY,
  ]);
  expect(path.hops[path.border ?? 9]).toMatchObject({ by: 'mx1.uni.example', encrypted: 'yes' });
});

test('LMTP does not make a line true that another system wrote', () => {
  const path = withFields([
    `${FROM_MX1} (Dovecot) with LMTP id B; Mon, 2 Nov 2020 01:57:24 +0000`,
    'from a.example ([192.0.2.9]) by mx.elsewhere.example with ESMTPS id A; Mon, 2 Nov 2020 01:57:23 +0000',
  ]);
  expect(path.hops[path.border ?? 9]?.by).toBe('imap.uni.example');
});

test('a neighbour by name is taken for a stranger, and the flag that says otherwise is told', () => {
  const fields = [`${FROM_MX1} (Postfix) with ESMTP id B; Mon, 2 Nov 2020 01:57:24 +0000`, ...OWN_RELAY];
  expect(withFields(fields).checks).toContainEqual(
    expect.objectContaining({
      id: 'path.border.neighbour',
      message: expect.stringContaining('--trusted-ip 198.51.100.10'),
    }),
  );
  const told = withFields(fields, { trustedIps: ['198.51.100.10'] });
  expect(told.hops[told.border ?? 9]?.by).toBe('mx1.uni.example');
  expect(told.checks.map(({ id }) => id)).not.toContain('path.border.neighbour');
});

test('HELO alone makes nobody trusted', () => {
  const path = pathOfText(
    [
      'Received: from mx2.example.org (203.0.113.66) by mx1.example.org (192.0.2.1) with Microsoft SMTP Server (TLS) id 14.3.1.1; Tue, 24 Nov 2026 10:00:05 +0000',
      'Received: from bank.example ([192.0.2.9]) by mx2.example.org with ESMTPS id 1; Tue, 24 Nov 2026 10:00:00 +0000',
      '',
    ].join('\n'),
    { trustedBy: ['example.org'] },
  );
  expect(path.border).toBe(1);
});

test('a server that writes no client does not vouch for the line below', () => {
  const path = pathOfText(
    [
      'Received: by mx.example.org with SMTPS id 17474750747641015; Tue, 24 Nov 2026 10:00:05 +0000',
      'Received: from x ([192.0.2.9]) by mx.attacker.example with ESMTPS id 1; Tue, 24 Nov 2026 10:00:00 +0000',
      '',
    ].join('\n'),
  );
  expect(path.border).toBe(1);
  expect(path.summary).toContain('from an address that the line does not tell');
});

test('mail of a machine to itself needs no encryption', () => {
  const path = pathOfFile('cron');
  expect(path).toMatchObject({ status: 'ok', border: null });
  expect(path.summary).toBe('All 2 hops stay inside one system; no line shows a client outside.');
});

test('a hop without a date stays, and its neighbours are not joined', () => {
  const line = (by: string, date: string) =>
    `Received: from a.example (a.example [192.0.2.9]) by ${by} with ESMTPS id 1${date}\n`;
  const path = pathOfText(
    line('c.example', '; Tue, 24 Nov 2026 10:00:09 +0000') +
      line('b.example', '') +
      line('a.example', '; Sun Nov 22 10:00:00 2026'),
  );
  expect(path.hops.map((hop) => hop.delaySeconds)).toEqual([null, null, null]);
  expect(ids(path)).toContain('path.date');
});

test('a header that is too long is said to be', () => {
  const path = pathOfText(`X: ${'a'.repeat(1024 * 1024)}`);
  expect(path).toMatchObject({ truncated: true, status: 'unknown' });
  expect(ids(path)).toContain('path.truncated');
});

test('a thousand hops are described, and the evidence stays short', () => {
  const line =
    'Received: from a.example (a.example [192.0.2.9]) by b.example with ESMTP id 1; Tue, 24 Nov 2026 10:00:00 +0000\n';
  const path = pathOfText(line.repeat(1000));
  expect(path.hops).toHaveLength(1000);
  expect(path.border).toBe(999);
  expect(path.checks.find((check) => check.id === 'path.hop.plaintext')?.evidence).toMatch(/; and 989 more$/);
});

test.for([
  ['multipart/signed; protocol="application/pgp-signature"', 'pgp-signed'],
  ['multipart/signed; protocol="application/pkcs7-signature"', 'smime-signed'],
  ['application/x-pkcs7-mime; smime-type=signed-data', 'smime-signed'],
  ['application/pkcs7-mime; smime-type="authenveloped-data"', 'smime-encrypted'],
  ['application/pkcs7-mime', 'unknown'],
  ['text/plain', 'none'],
])('content: %s', ([type, expected]) => {
  expect(pathOfText(`Content-Type: ${type}\n\nHello\n`).content).toBe(expected);
});
