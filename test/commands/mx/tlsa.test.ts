import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAuthority, type IssuedCertificate } from '../../../src/lab/certificates.ts';
import { type DnsLab, startDnsServer } from '../../../src/lab/dns-server.ts';
import { type MailLab, startMailServer } from '../../../src/lab/mail-server.ts';
import { mxTlsaCheck, mxTlsaMake } from '../../../src/schema/mx-tlsa.ts';
import { needs } from '../../helpers/debian.ts';
import { run } from '../../helpers/run.ts';

const HOST = '127.1.10.1';
const folder = mkdtempSync(join(tmpdir(), 'postern-tlsa-'));
const now = Date.now();

let present: IssuedCertificate;
let next: IssuedCertificate;
let rootPem: string;
let mail: MailLab;
let dns: DnsLab;
let reach: string[];

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

beforeAll(async () => {
  const authority = await createAuthority('TLSA test authority', now);
  rootPem = authority.certificatePem;
  present = await authority.issue({ names: ['mx.x.test'] });
  next = await authority.issue({ names: ['mx.x.test', 'mail.x.test'] });
  mail = await startMailServer({ hostname: 'mx.x.test', habit: 'good', certificates: [present], host: HOST });
  dns = await startDnsServer({ zone: {} });
  reach = [
    '--resolver',
    `127.0.0.1:${dns.port}`,
    '--port',
    `${mail.port}`,
    '--tlsa-port',
    '25',
    '--allow-private',
  ];
});
afterAll(async () => {
  await Promise.all([mail.close(), dns.close()]);
});

const tlsa = (data: string) => ({ certUsage: 3, selector: 1, match: 1, data });

describe('mx tlsa make', () => {
  test('the record of a key is what openssl computes, a line for each name', async (context) => {
    needs(context, 'openssl', 'openssl');
    const cert = file('next.pem', next.chainPem);
    const spki: Buffer = execFileSync('openssl', ['x509', '-in', cert, '-noout', '-pubkey']);
    const der: Buffer = execFileSync('openssl', ['pkey', '-pubin', '-outform', 'DER'], { input: spki });
    const digest = createHash('sha256').update(der).digest('hex');
    const { stdout } = await run('mx tlsa make', ['--cert', cert]);
    expect(stdout).toBe(
      `_25._tcp.mx.x.test. IN TLSA 3 1 1 ${digest}\n_25._tcp.mail.x.test. IN TLSA 3 1 1 ${digest}\n`,
    );
    const fromKey = await run('mx tlsa make', [
      '--cert',
      file('pub.pem', spki.toString()),
      '--host',
      'MX.x.test',
    ]);
    expect(fromKey.stdout).toBe(`_25._tcp.mx.x.test. IN TLSA 3 1 1 ${digest}\n`);
  });

  test('usage 2 names the authority, and not the server', async () => {
    const cert = file('chain.pem', `${next.chainPem}${rootPem}`);
    const { result } = await run('mx tlsa make', [
      '--cert',
      cert,
      '--usage',
      '2',
      '--selector',
      '0',
      '--host',
      'mx.x.test',
    ]);
    const { records } = mxTlsaMake.parse(result);
    expect(records).toHaveLength(1);
    expect(records[0]?.record).toMatch(/^2 0 1 [0-9a-f]{64}$/);
  });

  test.for([
    ['a private key alone', (): string => next.keyPem, [], 65, 'private key alone'],
    ['no PEM at all', (): string => 'hello', [], 65, 'neither a certificate'],
    [
      'a damaged certificate',
      (): string => next.chainPem.replace(/[A-Za-z0-9+/]{40}/, 'A'.repeat(40)),
      [],
      65,
      'damaged',
    ],
    [
      'usage 2 without an authority',
      () => next.chainPem,
      ['--usage', '2'],
      65,
      'needs the certificate of an authority',
    ],
    ['a host that is none', (): string => next.chainPem, ['--host', 'a b'], 64, '--host'],
  ] as const)('%s is refused', async ([name, text, more, exit, words]) => {
    const ran = await run('mx tlsa make', ['--cert', file(`${name}.pem`, text()), ...more]);
    expect(ran.exit).toBe(exit);
    expect(ran.stderr).toContain(words);
    expect(ran.stdout).toBe('');
  });
});

describe('mx tlsa check', () => {
  const stranger = 'cd'.repeat(32);
  const cases = [
    ['both published', (): string[] => [present.spkiSha256, next.spkiSha256], [], 'ok', 'safe to switch'],
    ['the next one not published', (): string[] => [present.spkiSha256], [], 'warn', 'not published yet'],
    ['the present one not published', (): string[] => [next.spkiSha256], [], 'crit', 'broken now'],
    ['neither', (): string[] => [stranger], [], 'crit', 'broken now'],
    [
      'published a moment ago',
      (): string[] => [present.spkiSha256, next.spkiSha256],
      ['--published', new Date(now).toISOString()],
      'warn',
      'wait',
    ],
    [
      'published long ago',
      (): string[] => [present.spkiSha256, next.spkiSha256],
      ['--published', '2020-01-01'],
      'ok',
      'safe',
    ],
    ['no records', (): string[] => [], [], 'warn', 'nothing is protected'],
  ] as const;
  test.for(cases)('%s', async ([, keys, more, status, words]) => {
    const records = keys().map(tlsa);
    dns.setZone({
      'x.test': { secure: true },
      'mx.x.test': { A: [HOST] },
      ...(records.length > 0 && { '_25._tcp.mx.x.test': { TLSA: records } }),
    });
    const ran = await run('mx tlsa check', [
      'mx.x.test',
      '--cert',
      file('new.pem', next.chainPem),
      ...reach,
      ...more,
    ]);
    const result = mxTlsaCheck.parse(ran.result);
    expect(result.status).toBe(status);
    expect(result.summary).toContain(words);
  });

  test('an unsigned zone is a warning, a server that is not there unknown', async () => {
    dns.setZone({ 'mx.x.test': { A: [HOST] } });
    const cert = file('new.pem', next.chainPem);
    const unsigned = await run('mx tlsa check', ['mx.x.test', '--cert', cert, ...reach]);
    expect([unsigned.exit, unsigned.stdout]).toEqual([1, expect.stringContaining('not signed with DNSSEC')]);
    dns.setZone({
      'x.test': { secure: true },
      'mx.x.test': { A: ['127.1.10.2'] },
      '_25._tcp.mx.x.test': { TLSA: [tlsa(present.spkiSha256), tlsa(next.spkiSha256)] },
    });
    const gone = await run('mx tlsa check', ['mx.x.test', '--cert', cert, ...reach]);
    expect([gone.exit, gone.stdout]).toEqual([3, expect.stringContaining('could not be told')]);
  });
});
