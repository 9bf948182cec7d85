import { spawn } from 'node:child_process';
import { once } from 'node:events';
import SMTPConnection from 'smtp-connection';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Habit } from '../../src/lab/habits.ts';
import { needs } from '../helpers/debian.ts';
import { type Lab, type LabDomain, startLab } from '../helpers/lab.ts';

/**
 * Stock clients against the servers of the laboratory: what those servers do is what other people's programs meet
 * as well, not a dialect between our own two ends.
 */

/** Whether a client that insists on TLS, and on a valid certificate, delivers. */
const EXPECTED: Readonly<Partial<Record<Habit | 'expired' | 'self-signed', boolean>>> = {
  good: true,
  'tls12-only': true,
  'classic-only': true,
  'client-cert': true,
  'no-close-notify': true,
  'bare-lf': true,
  'ehlo-differs': true,
  'auth-before-tls': true,
  'starttls-inside': true,
  'need-starttls': true,
  expired: false,
  'self-signed': false,
  none: false,
  masked: false,
  close: false,
  'close-after-220': false,
  'refuse-454': false,
  'refuse-502': false,
  garbage: false,
  hang: false,
  alert: false,
  'tls11-only': false,
  'greet-close': false,
  'greet-450': false,
  'greet-421': false,
  'greet-554': false,
  'hang-banner': false,
  'not-smtp': false,
  'rcpt-450': false,
  'rcpt-550': false,
};

const NAMES = Object.keys(EXPECTED) as (keyof typeof EXPECTED)[];

let lab: Lab;
beforeAll(async () => {
  const domains = NAMES.map((name): [string, LabDomain] =>
    name === 'expired' || name === 'self-signed'
      ? [`${name}.test`, { habit: 'good', certificate: name }]
      : [`${name}.test`, { habit: name }],
  );
  lab = await startLab(12, Object.fromEntries(domains));
});
afterAll(() => lab.close());

const MESSAGE = 'From: anna@sender.test\r\nSubject: From a stock client\r\n\r\n.dots are\r\n.doubled\r\n';

/** Deliver with the package; gives the server's last words. */
function deliver(name: string, insist: 'tls' | 'plain'): Promise<string> {
  const { host, port } = lab.server(`${name}.test`);
  const client = new SMTPConnection({
    host,
    port,
    name: 'client.test',
    requireTLS: insist === 'tls',
    ignoreTLS: insist === 'plain',
    tls: { ca: lab.caPem, servername: `mx.${name}.test` },
    connectionTimeout: 1500,
    greetingTimeout: 1500,
    socketTimeout: 1500,
  });
  return new Promise<string>((resolve, reject) => {
    client.on('error', reject);
    client.on('end', () => reject(new Error('the connection ended')));
    client.connect(() => {
      client.send({ from: 'anna@sender.test', to: `you@${name}.test` }, MESSAGE, (error, info) => {
        if (error) reject(error);
        else resolve(info?.response ?? '');
      });
    });
  }).finally(() => client.close());
}

describe('smtp-connection, which insists on TLS, and a server of the habit', () => {
  test.for(NAMES)('%s', async (name) => {
    const server = lab.server(`${name}.test`);
    const before = server.messages.length;
    const outcome = await deliver(name, 'tls').then(
      (response) => response,
      (error: Error) => error,
    );
    if (EXPECTED[name]) expect(outcome).toMatch(/^250 2\.0\.0 Ok: queued as [0-9A-F]+$/);
    else expect(outcome).toBeInstanceOf(Error);
    const arrived = server.messages.slice(before);
    expect(arrived.map(({ encrypted }) => encrypted)).toEqual(EXPECTED[name] ? [true] : []);
    for (const { bytes } of arrived) expect(bytes.toString()).toContain('\r\n\r\n.dots are\r\n.doubled\r\n');
  });

  test('without TLS it delivers in plaintext', async () => {
    expect(await deliver('none', 'plain')).toMatch(/^250 /);
    expect(lab.server('none.test').messages.at(-1)).toMatchObject({ encrypted: false, helo: 'client.test' });
  });
});

async function swaks(name: string): Promise<number | null> {
  const { host, port } = lab.server(`${name}.test`);
  const addresses = ['--from', 'anna@sender.test', '--to', `you@${name}.test`, '--helo', 'client.test'];
  const args = ['--server', host, '--port', String(port), '--tls', '--timeout', '3', '--silent', '3'];
  const child = spawn('swaks', [...args, ...addresses], { stdio: 'ignore', timeout: 20_000 });
  const [exit] = (await once(child, 'close')) as [number | null];
  return exit;
}

/** swaks --tls wants TLS and looks at no certificate. Exit codes are those of its manual. */
describe('swaks --tls and a server of the habit', () => {
  test.for([
    ['good', 0],
    ['expired', 0],
    ['tls12-only', 0],
    ['need-starttls', 0],
    ['none', 29],
    ['refuse-454', 29],
    ['garbage', 29],
    ['rcpt-550', 24],
    ['greet-554', 21],
  ] as const)('%s: exit %i', async ([name, exit], context) => {
    needs(context, 'swaks', 'swaks');
    needs(context, 'perl', 'libnet-ssleay-perl', ['-MNet::SSLeay', '-e', '1']);
    const server = lab.server(`${name}.test`);
    const before = server.messages.length;
    expect(await swaks(name)).toBe(exit);
    expect(server.messages.slice(before).map(({ encrypted }) => encrypted)).toEqual(exit === 0 ? [true] : []);
  });
});
