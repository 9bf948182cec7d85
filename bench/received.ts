/**
 * What reading Received fields costs beside mailauth's parseReceived, in CPU time (user and system), over the lines
 * of the conformance data. Both sides take turns in one run, so only the ratios mean something: above 1 we do more
 * in a CPU-second.
 *
 *   POSTERN_CONFORMANCE=../shared/conformance node bench/received.ts [--repeat N] [--check]
 *
 * First the parsers alone on the same strings; then whole programs, start included: `message path --batch` beside
 * peers/received.ts, which reads the same batch and the same files and writes a row for each. Needs a build.
 * --check exits with 1 when a ratio is below its floor:
 * 1 for the warm parsers; the programs are held to what they reach, as a row of ours has three times the bytes.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readHeader } from '../src/message/headers.ts';
import { parseReceived } from '../src/received/parse.ts';

const mailauth = createRequire(import.meta.url)('mailauth/lib/parse-received') as {
  parseReceived: (line: string) => unknown;
};
const { values: flags } = parseArgs({
  options: { repeat: { type: 'string', default: '300' }, check: { type: 'boolean', default: false } },
});
const repeat = Number(flags.repeat);
const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const root = process.env['POSTERN_CONFORMANCE'];
if (root === undefined) {
  console.error('POSTERN_CONFORMANCE does not say where the lines are.');
  process.exit(64);
}

/** Header blocks and messages as they are; the body of a single field gets its name in front. */
const blocks = readdirSync(join(root, 'received'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && !entry.name.endsWith('.jsonl'))
  .map((entry) => readFileSync(join(entry.parentPath, entry.name)))
  .map((bytes) => (linesOf(bytes).length > 0 ? bytes : Buffer.concat([Buffer.from('Received: '), bytes])));
const lines = blocks.flatMap(linesOf);

function linesOf(bytes: Buffer): string[] {
  const { fields } = readHeader(bytes);
  return fields.filter(({ name }) => name.toLowerCase() === 'received').map(({ rawValue }) => rawValue);
}

/** User and system time of this process, in microseconds. */
function cpu(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Keeps what is computed from being optimised away. */
let seen = 0;

function parsers(rounds: number): [ours: number, theirs: number] {
  const named = lines.map((line) => `Received: ${line}`);
  let ours = 0;
  let theirs = 0;
  for (let round = 0; round < rounds; round += 1) {
    const begun = cpu();
    for (const line of lines) if (parseReceived(line).encrypted === 'yes') seen += 1;
    const between = cpu();
    for (const line of named) if (mailauth.parseReceived(line) !== null) seen += 1;
    ours += between - begun;
    theirs += cpu() - between;
  }
  return [ours, theirs];
}

/** Writes the CPU time of a program to its fourth file descriptor when it ends. */
const METER =
  'data:text/javascript,import{writeSync}from"node:fs";process.on("exit",()=>{const{user,system}=process.cpuUsage();writeSync(3,String(user+system))})';

function program(argv: readonly string[]): number {
  const stdio = ['ignore', 'ignore', 'inherit', 'pipe'] as const;
  const { status, output } = spawnSync(process.execPath, ['--import', METER, ...argv], { stdio: [...stdio] });
  if (status === null || status > 3) throw new Error(`exit ${status}: ${argv.join(' ')}`);
  return Number(output[3]);
}

/** A batch that names each file `repeat` times; @returns its path */
function batchOf(folder: string, name: string, contents: readonly (string | Buffer)[]): string {
  const files = contents.map((_, index) => join(folder, `${name}-${index}`));
  for (const [index, file] of files.entries()) writeFileSync(file, contents[index] ?? '');
  const batch = join(folder, `${name}.jsonl`);
  const rows = Array.from({ length: repeat * files.length }, (_, index) =>
    JSON.stringify({ id: String(index), file: files[index % files.length] }),
  );
  writeFileSync(batch, `${rows.join('\n')}\n`);
  return batch;
}

const TURNS = 2;

function programs(batch: string, more: readonly string[]): [ours: number, theirs: number] {
  let ours = 0;
  let theirs = 0;
  for (let turn = 0; turn < TURNS; turn += 1) {
    ours += program([at('../bin/run.js'), 'message', 'path', '--batch', batch, '--json', ...more]);
    theirs += program([at('peers/received.ts'), batch, ...more]);
  }
  return [ours, theirs];
}

function tell(
  what: string,
  [ours, theirs]: readonly [number, number],
  count: number,
  unit: string,
  floor: number,
): void {
  const each = (total: number) => `${(total / count).toFixed(2).padStart(7)} µs`;
  const ratio = theirs / ours;
  console.log(
    `${what.padEnd(22)} ${each(ours)}, mailauth ${each(theirs)} a ${unit}: ratio ${ratio.toFixed(2)} (floor ${floor})`,
  );
  if (flags.check && ratio < floor) process.exitCode = 1;
}

console.log(`${lines.length} lines in ${blocks.length} header blocks, ${repeat} times`);
tell('parsers, first pass', parsers(1), lines.length, 'line', 0);
parsers(30);
tell('parsers, warm', parsers(repeat), lines.length * repeat, 'line', 1);
if (seen === 0) throw new Error('No line says TLS: these are not the lines of the conformance data.');
const folder = mkdtempSync(join(tmpdir(), 'bench-received-'));
try {
  const rows = repeat * TURNS;
  tell('--batch', programs(batchOf(folder, 'block', blocks), []), blocks.length * rows, 'row', 0.4);
  const bare = batchOf(folder, 'line', lines);
  tell('--batch --received', programs(bare, ['--received']), lines.length * rows, 'row', 0.4);
} finally {
  rmSync(folder, { recursive: true });
}
