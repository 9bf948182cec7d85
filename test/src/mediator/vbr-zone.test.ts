import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { createStub, type Stub } from '../../../src/dns/stub.ts';
import { proposalFrom } from '../../../src/mediator/acts.ts';
import { EMPTY, type Ledger, type LedgerEntry } from '../../../src/mediator/ledger.ts';
import { vbrZone } from '../../../src/mediator/vbr-zone.ts';
import { needs } from '../../helpers/debian.ts';
import { freePort } from '../../helpers/ports.ts';

const NOW = Date.parse('2026-11-25T12:00:00Z');
const HEAD = { mediator: 'mediator.example', server: 'ns.mediator.example', serial: 7 };
const ORIGIN = '_vouch.mediator.example';
/** With 251 octets, of which every one may stand in the zone of a mediator with a shorter name only. */
const LONG = `${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(60)}.example`;
/** It fits, its wildcard does not. */
const EDGE = LONG.slice(ORIGIN.length + 1 - 253);

type Given = {
  readonly id: string;
  readonly domains: readonly { readonly domain: string; readonly includeSubdomains: boolean }[];
  readonly mailTypes?: readonly string[];
} & Partial<LedgerEntry>;

function entry({ id, domains, mailTypes = ['all'], ...changes }: Given): [string, LedgerEntry] {
  const proposal = proposalFrom({ id, name: id, domains, aliases: [], mailTypes });
  const dates = { validFromMs: NOW - 1000, validUntilMs: NOW + 1000, revokedAtMs: null };
  const made = {
    proposal,
    status: 'active',
    pending: null,
    approved: null,
    ...dates,
    reason: null,
    logo: null,
  };
  return [id, { ...made, ...changes } as LedgerEntry];
}

const alone = (domain: string) => [{ domain, includeSubdomains: false }];
const whole = (domain: string) => [{ domain, includeSubdomains: true }];

const ledger: Ledger = {
  ...EMPTY,
  entries: new Map([
    entry({ id: 'bank', domains: alone('bank.example'), mailTypes: ['transaction', 'list'] }),
    entry({ id: 'shop', domains: [...whole('shop.example'), ...alone('x.mail.shop.example')] }),
    entry({ id: 'gone', domains: whole('gone.example'), status: 'revoked', revokedAtMs: NOW - 1 }),
    entry({ id: 'away', domains: whole('away.example'), status: 'suspended', revokedAtMs: NOW - 1 }),
    entry({ id: 'old', domains: alone('old.example'), validUntilMs: NOW - 1 }),
    entry({ id: 'new', domains: alone('new.example'), status: 'proposed', validUntilMs: null }),
    entry({ id: 'long', domains: alone(LONG) }),
    entry({ id: 'edge', domains: whole(EDGE) }),
  ]),
};

/** What a receiver is told about a domain (RFC 5518 §5); null: the name is not there. */
const ANSWERS = [
  ['bank.example', 'transaction list'],
  ['www.bank.example', null],
  ['shop.example', 'all'],
  ['www.shop.example', 'all'],
  ['a.b.c.shop.example', 'all'],
  // A name that stands in the zone cuts the wildcard off; what lies between is vouched for all the same.
  ['x.mail.shop.example', 'all'],
  ['mail.shop.example', 'all'],
  ['y.mail.shop.example', 'all'],
  ['z.x.mail.shop.example', 'all'],
  ['gone.example', null],
  ['www.gone.example', null],
  ['away.example', null],
  ['old.example', null],
  ['new.example', null],
  ['other.example', null],
  [EDGE, 'all'],
] as const;

const zone = vbrZone(ledger, HEAD, NOW);
const running: { readonly child: ChildProcess; readonly stub: Stub; readonly folder: string }[] = [];
afterEach(async () => {
  for (const { child, stub, folder } of running.splice(0)) {
    const ended = child.exitCode === null ? once(child, 'exit') : null;
    child.kill();
    await ended;
    stub.close();
    rmSync(folder, { recursive: true });
  }
});

/** A name server that has loaded the zone. */
async function serve(
  program: string,
  argv: (port: number, folder: string) => readonly string[],
): Promise<Stub> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-vbr-'));
  chmodSync(folder, 0o755);
  const port = await freePort();
  const child = spawn(program, [...argv(port, folder)], { stdio: ['ignore', 'pipe', 'pipe'] });
  const log: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => log.push(chunk));
  const stub = createStub({ servers: [{ kind: 'plain', host: '127.0.0.1', port }], cacheSize: 0 });
  running.push({ child, stub, folder });
  while ((await stub.resolve(ORIGIN, 'SOA')).kind !== 'found') {
    if (child.exitCode !== null) throw new Error(`${program} ended:\n${Buffer.concat(log)}`);
    await sleep(50);
  }
  return stub;
}

async function answersOf(stub: Stub): Promise<readonly (readonly [string, string | null])[]> {
  const answers: (readonly [string, string | null])[] = [];
  for (const [domain] of ANSWERS) {
    const answer = await stub.resolve(`${domain}.${ORIGIN}`, 'TXT');
    expect(answer.kind, domain).not.toBe('failed');
    answers.push([domain, answer.kind === 'found' ? (answer.records[0] ?? []).join('') : null]);
  }
  return answers;
}

test('rbldnsd answers from the zone: who is active, and names below where those are vouched for', async (context) => {
  needs(context, 'rbldnsd', 'rbldnsd');
  const stub = await serve('rbldnsd', (port, folder) => {
    writeFileSync(join(folder, 'vbr.rbldnsd'), zone.rbldnsd);
    const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
    return ['-n', '-b', `127.0.0.1/${port}`, '-r', folder, ...user, `${ORIGIN}:dnset:vbr.rbldnsd`];
  });
  expect(await answersOf(stub)).toEqual(ANSWERS);
});

test('Knot answers the same from the zone in the form of BIND', async (context) => {
  needs(context, 'knotd', 'knot');
  const stub = await serve('knotd', (port, folder) => {
    writeFileSync(join(folder, 'vbr.zone'), zone.bind);
    const server = `server:\n  listen: 127.0.0.1@${port}\n  rundir: ${folder}\ndatabase:\n  storage: ${folder}\n`;
    writeFileSync(
      join(folder, 'knot.conf'),
      `${server}zone:\n  - domain: ${ORIGIN}\n    file: ${folder}/vbr.zone\n`,
    );
    return ['-c', join(folder, 'knot.conf')];
  });
  expect(await answersOf(stub)).toEqual(ANSWERS);
});

test('a name over 253 octets is left out and told, and nothing else is', () => {
  expect(`${EDGE}.${ORIGIN}`).toHaveLength(253);
  expect(zone.tooLong).toEqual([LONG, `*.${EDGE}`]);
  expect(zone.bind).not.toContain(LONG);
  expect(zone.rbldnsd).not.toContain(`*.${EDGE}`);
});
