import { spawn } from 'node:child_process';
import { promises as dns } from 'node:dns';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAuthority, selfSigned } from '../../../src/lab/certificates.ts';
import { startDnsServer } from '../../../src/lab/dns-server.ts';
import { needs, output } from '../../helpers/debian.ts';
import { type Lab, startLab } from '../../helpers/lab.ts';

// The laboratory is what all else is tested on: here it is checked by programs that are not ours.

let lab: Lab;
beforeAll(async () => {
  lab = await startLab(3, {
    'good.test': { habit: 'good' },
    'tls12.test': { habit: 'tls12-only' },
    'none.test': { habit: 'none' },
  });
});
afterAll(() => lab.close());

/** Runs a program without holding up the servers, which live in this process. */
function runProgram(
  program: string,
  args: readonly string[],
  input = '',
): Promise<{ code: number | null; text: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args]);
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    child.on('error', reject).on('close', (code) => resolve({ code, text }));
    child.stdin.on('error', () => undefined).end(input);
  });
}

test('Node’s own resolver reads the name server', async () => {
  const server = await startDnsServer({
    zone: {
      'example.test': {
        MX: [{ preference: 10, exchange: 'mx.example.test' }],
        TXT: [['v=spf1', ' -all'], ['other']],
        CAA: [{ flags: 0, tag: 'issue', value: 'ca.example' }],
      },
      'mx.example.test': { A: ['192.0.2.1'], AAAA: ['2001:db8::1'] },
      '_25._tcp.mx.example.test': { TLSA: [{ certUsage: 3, selector: 1, match: 1, data: 'ab'.repeat(32) }] },
      'www.example.test': { CNAME: ['mx.example.test'] },
      'large.test': { habit: 'truncated', TXT: [['x'.repeat(200)]] },
      'fails.test': { habit: 'SERVFAIL' },
    },
  });
  const resolver = new dns.Resolver({ timeout: 1000, tries: 1 });
  resolver.setServers([`127.0.0.1:${server.port}`]);
  expect(await resolver.resolveMx('example.test')).toMatchObject([
    { priority: 10, exchange: 'mx.example.test' },
  ]);
  expect(await resolver.resolveTxt('example.test')).toEqual(
    expect.arrayContaining([['v=spf1', ' -all'], ['other']]),
  );
  expect(await resolver.resolve6('mx.example.test')).toEqual(['2001:db8::1']);
  expect(await resolver.resolve4('www.example.test')).toEqual(['192.0.2.1']);
  expect(await resolver.resolveCaa('example.test')).toMatchObject([{ issue: 'ca.example' }]);
  const [tlsa] = await resolver.resolveTlsa('_25._tcp.mx.example.test');
  expect(tlsa).toMatchObject({ certUsage: 3, selector: 1, match: 1 });
  expect(await resolver.resolveTxt('large.test')).toEqual([['x'.repeat(200)]]);
  await expect(resolver.resolve4('example.test')).rejects.toMatchObject({ code: 'ENODATA' });
  await expect(resolver.resolve4('gone.example.test')).rejects.toMatchObject({ code: 'ENOTFOUND' });
  await expect(resolver.resolve4('fails.test')).rejects.toMatchObject({ code: 'ESERVFAIL' });
  expect(server.queries).toContainEqual({ name: 'large.test', type: 'TXT', transport: 'tcp' });
  await server.close();
});

test('openssl verifies what the laboratory’s authority issues, and nothing else', async (context) => {
  needs(context, 'openssl', 'openssl');
  const folder = mkdtempSync(join(tmpdir(), 'postern-lab-'));
  const authority = await createAuthority('Authority', Date.now());
  const files = { ca: join(folder, 'ca.pem'), leaf: join(folder, 'leaf.pem'), own: join(folder, 'own.pem') };
  const leaf = await authority.issue({ names: ['mx.example.test', '192.0.2.1'], keyType: 'rsa' });
  writeFileSync(files.ca, authority.certificatePem);
  writeFileSync(files.leaf, leaf.chainPem);
  writeFileSync(files.own, (await selfSigned({ names: ['mx.example.test'] }, Date.now())).chainPem);
  const verify = (file: string) =>
    output('openssl', ['verify', '-CAfile', files.ca, '-verify_hostname', 'mx.example.test', file]);
  expect(verify(files.leaf)).toContain('OK');
  expect(() => verify(files.own)).toThrow();
  const spki = output('sh', [
    '-c',
    `openssl x509 -in ${files.leaf} -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum`,
  ]);
  expect(spki.slice(0, 64)).toBe(leaf.spkiSha256);
});

test('openssl s_client negotiates with the mail server', async (context) => {
  needs(context, 'openssl', 'openssl');
  const { host } = lab.server('tls12.test');
  const { text } = await runProgram(
    'openssl',
    ['s_client', '-starttls', 'smtp', '-connect', `${host}:${lab.port}`, '-brief', '-name', 'client.test'],
    'QUIT\n',
  );
  expect(text).toContain('Protocol version: TLSv1.2');
});

test.for([
  ['good.test', 'ESMTPS', true],
  ['none.test', 'ESMTP', false],
] as const)('swaks delivers to %s', async ([domain, protocol, encrypted], context) => {
  needs(context, 'swaks', 'swaks');
  needs(context, 'perl', 'libnet-ssleay-perl', ['-MNet::SSLeay', '-e', '1']);
  const { host, messages } = lab.server(domain);
  const { code } = await runProgram('swaks', [
    ...[
      '--server',
      host,
      '--port',
      String(lab.port),
      '--tls-optional',
      '--from',
      'a@sender.test',
      '--to',
      `b@${domain}`,
    ],
    ...['--body', '.dot', '--helo', 'swaks.test'],
  ]);
  expect(code).toBe(0);
  expect(messages.at(-1)).toMatchObject({ encrypted, helo: 'swaks.test', recipients: [`b@${domain}`] });
  expect(messages.at(-1)?.bytes.toString()).toContain(`with ${protocol} id `);
  expect(messages.at(-1)?.bytes.toString()).toContain('\r\n\r\n.dot');
});
