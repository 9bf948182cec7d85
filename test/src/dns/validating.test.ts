import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { recordedResolver, recorder } from '../../../src/dns/recorded.ts';
import { createStub, type Stub } from '../../../src/dns/stub.ts';
import { needs } from '../../helpers/debian.ts';

/**
 * Against a validating resolver, Unbound, before an authoritative server that signs, Knot: a signed zone, one
 * without signatures, and one whose anchor does not fit its key, which makes it bogus.
 */

const ZONE_HEAD = '$TTL 300\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n';
const ZONES = {
  'lab.test': [
    '@ MX 10 mx1',
    'mx1 A 192.0.2.1',
    'mx1 AAAA 2001:db8::1',
    `_25._tcp.mx1 TLSA 3 1 1 ${'ab'.repeat(32)}`,
    '@ TXT "v=spf1 " "-all"',
    '@ CAA 0 issue "ca.test"',
    'alias CNAME mx1',
    'out CNAME host.insecure.test.',
    'null MX 0 .',
    'dot\\.ted CNAME mx1',
    'odd MX 5 dot\\.ted',
    ...Array.from({ length: 100 }, (_, index) => `many A 192.0.2.${index}`),
  ],
  'insecure.test': ['host A 192.0.2.9', '@ MX 10 host'],
  'bogus.test': ['@ MX 10 mx', 'mx A 192.0.2.8'],
};

const daemons: { readonly child: ChildProcess; readonly ended: Promise<Error> }[] = [];
const stubs: Stub[] = [];
let folder = '';
let validating: Stub;
let withoutEde: Stub;
let authoritative: Stub;

function isInstalled(program: string): boolean {
  return spawnSync('which', [program]).status === 0;
}

function write(file: string, text: string): string {
  writeFileSync(join(folder, file), text);
  return join(folder, file);
}

function start(program: string, ...args: readonly string[]): void {
  const child = spawn(program, [...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const log: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => log.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => log.push(chunk));
  const ended = once(child, 'exit').then(() => new Error(`${program} ended:\n${Buffer.concat(log)}`));
  daemons.push({ child, ended });
}

/** A port that TCP had free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function stubAt(port: number): Stub {
  const servers = [{ kind: 'plain', host: '127.0.0.1', port }] as const;
  const stub = createStub({ servers, cacheSize: 0 });
  stubs.push(stub);
  return stub;
}

function knotConf(port: number): string {
  const zones = Object.entries(ZONES).map(([name, lines]) => {
    const file = write(name, `${ZONE_HEAD}${lines.join('\n')}\n`);
    const signing = name === 'insecure.test' ? 'off' : 'on';
    return `  - domain: ${name}
    file: ${file}
    dnssec-signing: ${signing}
    dnssec-policy: lab
    zonefile-sync: -1
    zonefile-load: difference
    journal-content: all
`;
  });
  return `server:
  listen: 127.0.0.1@${port}
  rundir: ${folder}
database:
  storage: ${folder}
policy:
  - id: lab
    algorithm: ecdsap256sha256
    single-type-signing: on
zone:
${zones.join('')}`;
}

function unboundConf(port: number, { upstream, ede }: { upstream: number; ede: boolean }): string {
  const stubZone = (name: string) => `stub-zone:\n  name: "${name}."\n  stub-addr: 127.0.0.1@${upstream}\n`;
  return `server:
  interface: 127.0.0.1@${port}
  port: ${port}
  username: ""
  chroot: ""
  directory: "${folder}"
  pidfile: ""
  use-syslog: no
  do-not-query-localhost: no
  do-ip6: no
  ede: ${ede ? 'yes' : 'no'}
  module-config: "validator iterator"
  local-zone: "test." nodefault
  trust-anchor-file: "${join(folder, 'anchor.key')}"
  trust-anchor: "bogus.test. DS 12345 13 2 ${'cd'.repeat(32)}"
remote-control:
  control-enable: no
${Object.keys(ZONES).map(stubZone).join('')}`;
}

/** Ask until there is an answer, or a daemon that should give it has ended. */
async function untilAnswered<V>(ask: () => Promise<V | null>): Promise<V> {
  for (;;) {
    const answer = await ask();
    if (answer !== null) return answer;
    const ended = await Promise.race([sleep(50), ...daemons.map((daemon) => daemon.ended)]);
    if (ended instanceof Error) throw ended;
  }
}

async function startUnbound(upstream: number, ede: boolean): Promise<Stub> {
  const port = await freePort();
  start('unbound', '-d', '-c', write(`unbound-${port}.conf`, unboundConf(port, { upstream, ede })));
  const stub = stubAt(port);
  await untilAnswered(async () => ((await stub.resolve('lab.test', 'SOA')).kind === 'found' ? true : null));
  return stub;
}

beforeAll(async () => {
  if (!isInstalled('unbound') || !isInstalled('knotd')) return;
  folder = mkdtempSync(join(tmpdir(), 'postern-dnssec-'));
  const port = await freePort();
  start('knotd', '-c', write('knot.conf', knotConf(port)));
  authoritative = stubAt(port);
  const keys = await untilAnswered(async () => {
    const answer = await authoritative.resolve('lab.test', 'DNSKEY');
    return answer.kind === 'found' ? answer.records : null;
  });
  const anchors = keys.map(({ flags, algorithm, key }) => `lab.test. DNSKEY ${flags} 3 ${algorithm} ${key}`);
  write('anchor.key', `${anchors.join('\n')}\n`);
  [validating, withoutEde] = await Promise.all([startUnbound(port, true), startUnbound(port, false)]);
});

afterAll(async () => {
  for (const stub of stubs) stub.close();
  for (const { child } of daemons) child.kill();
  await Promise.all(daemons.map(({ ended }) => ended));
  if (folder !== '') rmSync(folder, { recursive: true, force: true });
});

beforeEach((context) => {
  needs(context, 'unbound', 'unbound');
  needs(context, 'knotd', 'knot');
});

describe('through Unbound', () => {
  test.for([
    ['lab.test', 'MX', [{ preference: 10, exchange: 'mx1.lab.test' }]],
    ['mx1.lab.test', 'A', ['192.0.2.1']],
    ['mx1.lab.test', 'AAAA', ['2001:db8::1']],
    ['_25._tcp.mx1.lab.test', 'TLSA', [{ certUsage: 3, selector: 1, match: 1, data: 'ab'.repeat(32) }]],
    ['lab.test', 'TXT', [['v=spf1 ', '-all']]],
    ['lab.test', 'CAA', [{ flags: 0, tag: 'issue', value: 'ca.test' }]],
    ['null.lab.test', 'MX', [{ preference: 0, exchange: '.' }]],
    ['odd.lab.test', 'MX', [{ preference: 5, exchange: 'dot\\.ted.lab.test' }]],
    ['alias.lab.test', 'A', ['192.0.2.1']],
  ] as const)('%s %s of a signed zone is secure', async ([name, type, records]) => {
    expect(await validating.resolve(name, type)).toMatchObject({ kind: 'found', dnssec: 'secure', records });
  });

  test.for([
    ['mx1.lab.test', 'TLSA', 'empty'],
    ['gone.lab.test', 'MX', 'absent'],
    ['_25._tcp.gone.lab.test', 'TLSA', 'absent'],
    ['_tcp.mx1.lab.test', 'TLSA', 'empty'],
  ] as const)('the denial of %s %s is secure', async ([name, type, kind]) => {
    expect(await validating.resolve(name, type)).toMatchObject({ kind, dnssec: 'secure' });
  });

  test.for([
    ['insecure.test', 'MX', 'found'],
    ['gone.insecure.test', 'MX', 'absent'],
    ['host.insecure.test', 'TLSA', 'empty'],
    ['out.lab.test', 'A', 'found'],
  ] as const)('%s %s of an unsigned zone, or leading to one, is insecure', async ([name, type, kind]) => {
    expect(await validating.resolve(name, type)).toMatchObject({ kind, dnssec: 'insecure' });
  });

  test('what does not validate is bogus, by the extended error', async () => {
    const answer = await validating.resolve('bogus.test', 'MX');
    expect(answer).toMatchObject({ kind: 'failed', rcode: 'SERVFAIL', dnssec: 'bogus' });
    expect(answer.ede.map(({ code }) => code)).toEqual([expect.toSatisfy((code) => code >= 6 && code <= 10)]);
  });

  test('what does not validate is bogus, by asking with checking disabled', async () => {
    const answer = await withoutEde.resolve('bogus.test', 'MX');
    expect(answer).toMatchObject({ kind: 'failed', rcode: 'SERVFAIL', dnssec: 'bogus', ede: [] });
  });

  test('a reply too long for UDP comes over TCP', async () => {
    const answer = await validating.resolve('many.lab.test', 'A');
    expect(answer).toMatchObject({ kind: 'found', dnssec: 'secure' });
    expect(answer.kind === 'found' ? answer.records.length : 0).toBe(100);
  });

  test('a recording of all this reads back the same', async () => {
    const questions = [
      ['lab.test', 'MX'],
      ['mx1.lab.test', 'TLSA'],
      ['gone.lab.test', 'MX'],
      ['out.lab.test', 'A'],
      ['bogus.test', 'MX'],
      ['lab.test', 'SOA'],
      ['lab.test', 'DNSKEY'],
    ] as const;
    const tape = recorder(validating);
    const live = [];
    for (const [name, type] of questions) live.push(await tape.resolve(name, type));
    const read = recordedResolver(JSON.parse(JSON.stringify(tape)));
    for (const [index, [name, type]] of questions.entries()) {
      const { ttl, server, ede, ...answer } = live[index] ?? expect.unreachable();
      const { message, ...rest } = { message: '', ...answer };
      expect(await read.resolve(name, type)).toMatchObject(rest);
    }
  });
});

test('Knot alone sets no AD, and what it does not serve it refuses', async () => {
  expect(await authoritative.resolve('lab.test', 'MX')).toMatchObject({ kind: 'found', dnssec: 'insecure' });
  expect(await authoritative.resolve('elsewhere.test', 'MX')).toMatchObject({
    kind: 'failed',
    rcode: 'REFUSED',
  });
});
