/**
 * Messages per CPU-second (user and system, children included) of `message check --only dkim` beside those who verify
 * DKIM for a living: opendkim, dkimpy with libsodium, mailauth. All of them get the same 1,000 messages and the same
 * keys, none asks the DNS, and they take turns in one run, so the ratios mean something elsewhere.
 *
 *   node bench/check.ts [--passes N] [--turns N] [--check]
 *
 * A rate is that of so many passes over the messages (three for the peers, each of which takes the same) less what the
 * first one takes, for every side: start, and code that is compiled as it runs, weigh more the fewer there are. The
 * first pass of ours is told apart. Of several turns the best counts on each side. --check exits with 1 when a ratio is below its floor. Needs a build; Debian: opendkim,
 * python3-dkim, python3-nacl.
 */
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { keyRecord, signMessage } from '../src/lab/dkim-signer.ts';
import { letterOf } from './letters.ts';

const { values: flags } = parseArgs({
  options: {
    passes: { type: 'string', default: '20' },
    turns: { type: 'string', default: '2' },
    check: { type: 'boolean', default: false },
  },
});
const passes = Number(flags.passes);
const turns = Number(flags.turns);
const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const COUNT = 1000;
const folder = mkdtempSync(join(tmpdir(), 'bench-check-'));
const keys = {
  s1: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  e1: generateKeyPairSync('ed25519').privateKey,
};
const published = Object.entries(keys).map(
  ([selector, key]) => [`${selector}._domainkey.bank.example`, keyRecord(key)] as const,
);
const dns = join(folder, 'dns.json');
writeFileSync(
  dns,
  JSON.stringify(Object.fromEntries(published.map(([name, text]) => [name, { TXT: [text] }]))),
);
const keyFile = join(folder, 'keys');
writeFileSync(keyFile, published.map(([name, text]) => `${name} ${text.join('')}\n`).join(''));
const opendkimConf = join(folder, 'opendkim.conf');
writeFileSync(opendkimConf, `Mode v\nSyslog no\nTestPublicKeys ${keyFile}\n`);

type Mail = { readonly title: string; readonly names: readonly string[]; readonly folder: string };

/** 1,000 signed messages of a size. */
function mail(title: string, selector: keyof typeof keys, bytes: number): Mail {
  const own = join(folder, title.replaceAll(' ', '-'));
  mkdirSync(own);
  const key: KeyObject = keys[selector];
  // Short, as opendkim takes all of them in one argument.
  const names = Array.from({ length: COUNT }, (_, number) => number.toString(36));
  for (const [number, name] of names.entries())
    writeFileSync(
      join(own, name),
      signMessage(letterOf(number, bytes), { domain: 'bank.example', selector, key }),
    );
  return { title, names, folder: own };
}

type Cost = { readonly cpuMs: number; readonly wallMs: number };

/** What a program takes, its children included, as the shell measures it. */
function run(argv: readonly string[], cwd: string): Cost {
  const script = 'TIMEFORMAT="%U %S %R"; time "$@" >/dev/null 2>/dev/null';
  const stdio = ['ignore', 'ignore', 'pipe', 'ignore'] as const;
  const { stderr, status } = spawnSync('bash', ['-c', script, 'bash', ...argv], {
    cwd,
    encoding: 'utf8',
    stdio: [...stdio],
    env: { ...process.env, LC_ALL: 'C' },
  });
  const [user = Number.NaN, system = 0, real = 0] = stderr.trim().split(' ').map(Number);
  if (status !== 0 || Number.isNaN(user)) throw new Error(`exit ${status}: ${argv[0]} ${stderr}`);
  return { cpuMs: (user + system) * 1000, wallMs: real * 1000 };
}

type Verifier = {
  readonly name: string;
  readonly argv: (names: readonly string[]) => readonly string[];
};

const python = '/usr/bin/python3';
const opendkim: Verifier = {
  name: 'opendkim',
  argv: (names) => ['opendkim', '-x', opendkimConf, '-t', names.join(',')],
};
const dkimpy: Verifier = {
  name: 'dkimpy',
  argv: (names) => [python, at('peers/dkimpy.py'), keyFile, listOf(names)],
};
const mailauth: Verifier = {
  name: 'mailauth',
  argv: (names) => [process.execPath, at('peers/dkim-mailauth.ts'), dns, listOf(names)],
};

function ours(workers: number): Verifier {
  const only = [
    'message',
    'check',
    '--only',
    'dkim',
    '--workers',
    String(workers),
    '--dns-cache',
    dns,
    '--offline',
  ];
  return {
    name: 'postern',
    argv: (names) => [
      process.execPath,
      at('../bin/run.js'),
      ...only,
      '--format',
      'jsonl',
      '--batch',
      batchOf(names),
    ],
  };
}

let files = 0;

/** A file with the names, one a line. */
function listOf(names: readonly string[]): string {
  const file = join(folder, `list-${files++}`);
  writeFileSync(file, names.map((name) => `${name}\n`).join(''));
  return file;
}

/** Paths in a batch are relative to it: it lies beside the messages. */
let beside = folder;
function batchOf(names: readonly string[]): string {
  const file = join(beside, `batch-${files++}.jsonl`);
  writeFileSync(file, names.map((eml, id) => `${JSON.stringify({ id, eml })}\n`).join(''));
  return file;
}

function isThere(program: string, ...argv: string[]): boolean {
  return spawnSync(program, argv).status === 0;
}

const peers = [
  ...(isThere('which', 'opendkim') ? [opendkim] : []),
  ...(isThere(python, '-c', 'import dkim, nacl') ? [dkimpy] : []),
  mailauth,
];
if (peers.length < 3)
  console.log(
    `only ${peers.map(({ name }) => name).join(', ')}: install opendkim, python3-dkim and python3-nacl`,
  );

/** Theirs is no code that gets faster as it runs. */
const PEER_PASSES = 3;

function repeated<T>(items: readonly T[], times: number): readonly T[] {
  return Array.from({ length: times }, () => items).flat();
}

/** Messages per CPU-second after the first pass. */
function rates(
  { names, folder: cwd }: Mail,
  verifiers: readonly Verifier[],
  times: number,
): Map<string, number> {
  beside = cwd;
  const best = new Map<string, number>();
  for (let turn = 0; turn < turns; turn += 1)
    for (const { name, argv } of verifiers) {
      const many = repeated(names, 1 + (name === 'postern' ? times : PEER_PASSES));
      const first = run(argv(names), cwd).cpuMs;
      const rate = (1000 * (many.length - names.length)) / (run(argv(many), cwd).cpuMs - first);
      best.set(name, Math.max(best.get(name) ?? 0, rate));
    }
  return best;
}

const whole = (value: number) => value.toFixed(0).padStart(6);

function holdTo(ratio: number, floor: number): string {
  if (flags.check && ratio < floor) process.exitCode = 1;
  return `${ratio.toFixed(2)} times (floor ${floor})`;
}

/** One line for a kind of message, against the fastest of these peers. */
function compare(each: Mail, times: number, against: readonly Verifier[], floor: number): void {
  const all = rates(each, [ours(1), ...against], times);
  const own = all.get('postern') ?? 0;
  const others = [...all].filter(([name]) => name !== 'postern');
  const best = Math.max(...others.map(([, rate]) => rate));
  const told = others.map(([name, rate]) => `${name} ${whole(rate)}`).join(', ');
  console.log(`${each.title.padEnd(14)} ${whole(own)}/s, ${told}: ${holdTo(own / best, floor)}`);
}

function firstPass({ names, folder: cwd, title }: Mail): void {
  beside = cwd;
  const own = run(ours(1).argv(names), cwd).cpuMs;
  const start = run(ours(1).argv(names.slice(0, 1)), cwd).cpuMs;
  console.log(
    `${title.padEnd(14)} one pass of 1,000, start and compiling included: ${whole(own)} ms, of which the start is ${whole(start)} ms`,
  );
}

/** Wall time of two threads beside one. */
function scale({ names, folder: cwd, title }: Mail, times: number): void {
  beside = cwd;
  const many = repeated(names, times);
  const best = [1, 2].map((workers) => {
    const { argv } = ours(workers);
    const spans = Array.from(
      { length: turns },
      () => run(argv(many), cwd).wallMs - run(argv(names.slice(0, 2)), cwd).wallMs,
    );
    return Math.min(...spans);
  });
  const [one = 0, two = 1] = best;
  console.log(
    `two threads, ${title}  ${(one / 1000).toFixed(2)} s with one, ${(two / 1000).toFixed(2)} s with two: ${holdTo(one / two, 1.7)}`,
  );
}

try {
  const rsa = mail('2 KB rsa-2048', 's1', 2048);
  const ed25519 = mail('2 KB ed25519', 'e1', 2048);
  const large = mail('200 KB rsa', 's1', 200_000);
  const [first = mailauth] = peers;
  compare(rsa, passes, [first, mailauth], 4);
  compare(ed25519, passes, peers, 1.8);
  compare(large, PEER_PASSES, [first], 1.25);
  firstPass(rsa);
  scale(ed25519, passes);
  scale(large, PEER_PASSES);
} finally {
  rmSync(folder, { recursive: true });
}
