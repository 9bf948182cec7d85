import { spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAuthority } from '../../src/lab/certificates.ts';
import { type DnsLab, startDnsServer } from '../../src/lab/dns-server.ts';
import { readHeader } from '../../src/message/headers.ts';
import { parseReceived } from '../../src/received/parse.ts';
import type { MxProbeResult } from '../../src/schema/mx-probe.ts';
import { isInstalled, needs } from '../helpers/debian.ts';
import { runBuilt } from '../helpers/run.ts';
import { type PostfixServer, startPostfix } from './postfix.ts';

// Our dialogue against the server that most of the world's mail meets, and its client beside ours.

let server: PostfixServer | undefined;
let dns: DnsLab;
let flags: string[];

beforeAll(async () => {
  if (!isInstalled('postfix') || process.getuid?.() !== 0) return;
  const authority = await createAuthority('Peer authority', Date.now());
  server = await startPostfix(await authority.issue({ names: ['mx.postfix.test'] }));
  dns = await startDnsServer({
    zone: {
      'postfix.test': { MX: [{ preference: 10, exchange: 'mx.postfix.test' }] },
      'mx.postfix.test': { A: [server.host] },
    },
  });
  const ca = join(mkdtempSync(join(tmpdir(), 'postern-ca-')), 'ca.pem');
  writeFileSync(ca, authority.certificatePem);
  flags = [
    '--resolver',
    `127.0.0.1:${dns.port}`,
    '--port',
    String(server.port),
    '--allow-private',
    '--ca',
    ca,
  ];
});

afterAll(async () => {
  server?.stop();
  await dns?.close();
});

/** The running server, or a skip that says what is missing. */
function running(context: Parameters<typeof needs>[0]): PostfixServer {
  needs(context, 'postfix', 'postfix');
  if (!server) return context.skip('Postfix is started by root only');
  return server;
}

describe('Postfix', () => {
  test('is probed: TLS 1.3 and a valid certificate', async (context) => {
    running(context);
    const ran = await runBuilt([
      'mx',
      'probe',
      'postfix.test',
      ...flags,
      '--require',
      'starttls,tls1.3,cert',
      '--json',
    ]);
    expect(ran.exit).toBe(0);
    expect(JSON.parse(ran.stdout).hosts[0].addresses[0]).toMatchObject({
      starttls: 'offered',
      tls: { version: 'TLSv1.3' },
      banner: expect.stringContaining('mx.postfix.test'),
    });
  });

  test('takes a message, and its Received line agrees with what send said', async (context) => {
    const postfix = running(context);
    const ran = await runBuilt([
      'send',
      '--from',
      'a@sender.test',
      '--to',
      'you@postfix.test',
      ...flags,
      '--policy',
      'verify',
      '--json',
    ]);
    expect(ran.exit).toBe(0);
    const [delivery] = JSON.parse(ran.stdout).deliveries;
    const arrived = postfix.messages().find((message) => message.includes(delivery.queueId));
    expect(arrived).toBeDefined();
    const field = readHeader(arrived ?? Buffer.alloc(0)).fields.find(({ name }) => name === 'Received');
    const trace = parseReceived(field?.rawValue ?? '');
    expect(trace).toMatchObject({
      encrypted: 'yes',
      with: 'ESMTPS',
      id: delivery.queueId,
      tls: { version: delivery.tls.version, cipherIana: delivery.tls.cipher },
      bySoftware: 'Postfix',
    });
  });

  test('posttls-finger sees the same server as we do', async (context) => {
    const postfix = running(context);
    needs(context, 'posttls-finger', 'postfix');
    const text = await new Promise<string>((resolve, reject) => {
      const child = spawn('posttls-finger', [
        '-c',
        '-l',
        'may',
        '-L',
        'summary',
        `[${postfix.host}]:${postfix.port}`,
      ]);
      let out = '';
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => (out += chunk));
      child.stderr.setEncoding('utf8').on('data', (chunk: string) => (out += chunk));
      child.on('error', reject).on('close', () => resolve(out));
    });
    const ran = await runBuilt(['mx', 'probe', 'postfix.test', ...flags, '--json']);
    const { tls } = JSON.parse(ran.stdout).hosts[0].addresses[0];
    expect(text).toContain(`${tls.version} with cipher ${tls.cipher}`);
  });

  describe('tried with what a server may take amiss', () => {
    async function attempts({ port }: Pick<PostfixServer, 'port'>) {
      const ran = await runBuilt([
        ...['mx', 'probe', 'postfix.test', '--intrusive', 'injection,relay,data-end', '--i-own-this'],
        ...['--mailbox', 'me@postfix.test', '--json'],
        ...flags.map((flag) => (flag === String(server?.port) ? String(port) : flag)),
      ]);
      const [host] = (JSON.parse(ran.stdout) as MxProbeResult).hosts;
      return { exit: ran.exit, made: host?.addresses[0]?.intrusive ?? [] };
    }

    const failing = (made: readonly { result: string; tried: string }[]) =>
      made.filter(({ result }) => result !== 'safe').map(({ tried }) => tried);

    test('as it was for years: three wrong ends count, and its own networks may relay', async (context) => {
      const { exit, made } = await attempts(running(context));
      expect(exit).toBe(2);
      expect(failing(made)).toEqual([
        'from <> to <postmaster@example.com>',
        'from <postmaster@postfix.test> to <postmaster@example.com>',
        'from <postmaster@postfix.test> to <@postfix.test:postmaster@example.com>',
        'from <postmaster@postfix.test> to <postmaster%example.com@postfix.test>',
        'from <postmaster@postfix.test> to <"postmaster@example.com"@postfix.test>',
        'LF . LF',
        'LF . CR LF',
        'CR LF . LF',
      ]);
    });

    test('with bare line ends forbidden and no network of its own', async (context) => {
      running(context);
      const authority = await createAuthority('Peer authority', Date.now());
      const strict = await startPostfix(await authority.issue({ names: ['mx.postfix.test'] }), [
        'smtpd_forbid_bare_newline = normalize',
        'mynetworks = 192.0.2.0/24',
        'smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination',
        'allow_percent_hack = no',
      ]);
      try {
        expect(failing((await attempts(strict)).made)).toEqual([]);
      } finally {
        strict.stop();
      }
    });
  });
});
