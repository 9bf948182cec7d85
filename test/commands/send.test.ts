import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { documents } from '../../src/schema/documents.ts';
import type { SendResult } from '../../src/schema/send.ts';
import { type Lab, startLab } from '../helpers/lab.ts';
import { runBuilt } from '../helpers/run.ts';

/**
 * What the program does with servers on which other clients lose mail or say nothing: fall back by a new connection,
 * deliver once, and tell.
 */

let lab: Lab;
let flags: readonly string[];

beforeAll(async () => {
  lab = await startLab(
    11,
    {
      'good.test': { habit: 'good' },
      'none.test': { habit: 'none' },
      'refuses.test': { habit: 'refuse-454' },
      'closes.test': { habit: 'close' },
      'closes-late.test': { habit: 'close-after-220' },
      'garbage.test': { habit: 'garbage' },
      'alert.test': { habit: 'alert' },
      'hangs.test': { habit: 'hang' },
      'injects.test': { habit: 'inject' },
      'injects-tail.test': { habit: 'inject-partial' },
      'greets-450.test': { habit: 'greet-450' },
      'greets-421.test': { habit: 'greet-421' },
      'long-banner.test': { habit: 'long-banner' },
    },
    {
      'next-450.test': {
        MX: [
          { preference: 10, exchange: 'mx.greets-450.test' },
          { preference: 20, exchange: 'mx.good.test' },
        ],
      },
      'next-421.test': {
        MX: [
          { preference: 10, exchange: 'mx.greets-421.test' },
          { preference: 20, exchange: 'mx.good.test' },
        ],
      },
    },
  );
  flags =
    `--resolver ${lab.resolver} --port ${lab.port} --allow-private --timeout-tls 1s --ehlo client.test`.split(
      ' ',
    );
});
afterAll(() => lab.close());

function send(domain: string, ...more: readonly string[]) {
  return runBuilt(['send', '--from', 'anna@sender.test', '--to', `you@${domain}`, ...flags, ...more]);
}

type Row = readonly [
  domain: string,
  exit: number,
  text: readonly RegExp[],
  delivery: Partial<SendResult['deliveries'][number]> | object,
  /** Server at which it arrives, and whether encrypted; null where it does not. */
  arrival: { readonly at: string; readonly encrypted: boolean } | null,
];

const ENCRYPTED = /encrypted, TLSv1\.3/;
const FELL_BACK = /FELL BACK TO PLAINTEXT/;

function fallback(domain: string, phase: string, kind: string, reason: RegExp, exit = 0): Row {
  return [
    domain,
    exit,
    [FELL_BACK, reason, /Delivered to .*, in plaintext/],
    { status: 'delivered', encrypted: false, tls: null, fallback: { from: 'starttls', phase, kind } },
    { at: domain, encrypted: false },
  ];
}

const ROWS: readonly Row[] = [
  [
    'good.test',
    0,
    [ENCRYPTED],
    { status: 'delivered', encrypted: true, fallback: null },
    { at: 'good.test', encrypted: true },
  ],
  [
    'none.test',
    0,
    [/in plaintext, the server does not offer STARTTLS/],
    { status: 'delivered', encrypted: false, fallback: null },
    { at: 'none.test', encrypted: false },
  ],
  fallback('refuses.test', 'starttls', 'rejected', /the server answered 454/),
  fallback('closes.test', 'starttls', 'closed', /the server closed the connection/),
  fallback('closes-late.test', 'tls', 'closed', /closed the connection during the handshake/),
  fallback('garbage.test', 'tls', 'not-tls', /something that is not TLS/),
  fallback('alert.test', 'tls', 'alert', /the alert handshake_failure/),
  fallback('hangs.test', 'tls', 'timeout', /the TLS handshake did not end in time/),
  // Delivered, and somebody is slipping in plaintext: exit 1.
  fallback('injects.test', 'starttls', 'injection', /plaintext came behind the reply to STARTTLS/, 1),
  fallback('injects-tail.test', 'starttls', 'injection', /plaintext came behind the reply to STARTTLS/, 1),
  ['greets-450.test', 3, [/deferred/, /450 4\.7\.1/], { status: 'deferred', encrypted: false }, null],
  ['greets-421.test', 3, [/deferred/, /421 4\.3\.2/], { status: 'deferred', encrypted: false }, null],
  [
    'next-450.test',
    0,
    [ENCRYPTED],
    { status: 'delivered', encrypted: true, mx: 'mx.good.test' },
    { at: 'good.test', encrypted: true },
  ],
  [
    'next-421.test',
    0,
    [ENCRYPTED],
    { status: 'delivered', encrypted: true, mx: 'mx.good.test' },
    { at: 'good.test', encrypted: true },
  ],
  [
    'long-banner.test',
    1,
    [ENCRYPTED, /more than 512 bytes/],
    { status: 'delivered', encrypted: true, fallback: null },
    { at: 'long-banner.test', encrypted: true },
  ],
];

describe('a message to', () => {
  test.for(ROWS)('%s', async ([domain, exit, text, delivery, arrival]) => {
    const server = lab.server(arrival?.at ?? domain);
    const arrived = () => server.messages.map(({ encrypted }) => encrypted);

    const before = server.messages.length;
    const told = await send(domain);
    expect(told.exit).toBe(exit);
    for (const words of text) expect(told.stdout).toMatch(words);
    expect(arrived().slice(before)).toEqual(arrival ? [arrival.encrypted] : []);

    const between = server.messages.length;
    const ran = await send(domain, '--json');
    expect(ran.exit).toBe(exit);
    const result = JSON.parse(ran.stdout) as SendResult;
    documents['postern/send/1'].parse(result);
    expect(result.deliveries).toMatchObject([delivery]);
    expect(arrived().slice(between)).toEqual(arrival ? [arrival.encrypted] : []);
  });
});

test.for(['injects.test', 'injects-tail.test'])(
  'injection at %s is a critical finding in the JSON',
  async (domain) => {
    const { checks, status } = JSON.parse((await send(domain, '--json')).stdout) as SendResult;
    expect(status).toBe('warn');
    expect(checks).toContainEqual(expect.objectContaining({ id: 'smtp.starttls.injected', status: 'crit' }));
  },
);

test('--no-fallback-on-injection defers, and nothing arrives', async () => {
  const before = lab.server('injects.test').messages.length;
  expect((await send('injects.test', '--no-fallback-on-injection')).exit).toBe(3);
  expect(lab.server('injects.test').messages.length).toBe(before);
});

test.for([
  ['none.test', 2],
  ['closes.test', 2],
  ['good.test', 0],
] as const)('with --fail-on-plaintext, %s makes exit %i, and the message arrives', async ([domain, exit]) => {
  const before = lab.server(domain).messages.length;
  expect((await send(domain, '--fail-on-plaintext')).exit).toBe(exit);
  expect(lab.server(domain).messages.length).toBe(before + 1);
});
