// 200 mail servers behind a round trip of 100 ms: `xargs -P 64 posttls-finger` against one process of `mx probe`, in
// turn, on the same servers.
//   npm run bench:probes [ROUNDS] [--check]
// --check exits with 1 when we need more than half its time, or more than 150 MiB. posttls-finger is given addresses,
// so it asks no DNS; we look up MX, addresses, DANE, MTA-STS, TLS-RPT and reverse names of every domain.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Measured, measure, median, startMany } from './measure.ts';

const PROBES = 200;
const DELAY_MS = 50;
const MOST_RATIO = 0.5;
const MOST_MIB = 150;

const rounds = Number(process.argv.find((arg) => /^\d+$/.test(arg)) ?? 3);
const lab = await startMany(PROBES, PROBES, DELAY_MS);
const folder = mkdtempSync(join(tmpdir(), 'postern-bench-'));
const list = join(folder, 'domains.txt');
const rows = join(folder, 'rows.jsonl');
writeFileSync(list, Array.from({ length: PROBES }, (_, index) => `d${index}.test\n`).join(''));

const xargs = 'xargs -P 64 -n 1 posttls-finger -c -l may -L summary'.split(' ');
const input = lab.addresses.map((address) => `[${address}]:${lab.port}\n`).join('');
const ours = [
  process.execPath,
  fileURLToPath(new URL('../bin/run.js', import.meta.url)),
  ...`mx probe --from-file ${list} --parallel ${PROBES} --format jsonl --output ${rows}`.split(' '),
  ...`--resolver 127.0.0.1:${lab.dns} --port ${lab.port} --allow-private --ehlo client.test`.split(' '),
];

const theirs: Measured[] = [];
const own: Measured[] = [];
await measure(ours); // fills the compile cache
for (let round = 0; round < rounds; round++) {
  theirs.push(await measure(xargs, { input }));
  own.push(await measure(ours));
}
await lab.stop();

const secondsOf = (runs: readonly Measured[]) => runs.map(({ ms }) => ms / 1000);
const row = (name: string, runs: readonly Measured[]) =>
  `${name.padEnd(28)}${median(secondsOf(runs)).toFixed(2)} s, best ${Math.min(...secondsOf(runs)).toFixed(2)} s`;
const mib = Math.max(...own.map(({ peakMib }) => peakMib ?? Number.POSITIVE_INFINITY));
const ratio = median(secondsOf(own)) / median(secondsOf(theirs));
// What else runs on a machine makes a run longer, never shorter: the best ones are compared with the limit.
const best = Math.min(...secondsOf(own)) / Math.min(...secondsOf(theirs));
process.stdout.write(`${PROBES} probes, ${DELAY_MS * 2} ms round trip, median of ${rounds}
${row('xargs -P 64 posttls-finger', theirs)}
${row('postern mx probe', own)}, ${mib.toFixed(0)} MiB, exit ${own.map(({ exit }) => exit).join(' ')}
ratio ${ratio.toFixed(2)}, of the best ${best.toFixed(2)} (limit ${MOST_RATIO}); memory limit ${MOST_MIB} MiB
`);
if (process.argv.includes('--check') && (best > MOST_RATIO || mib > MOST_MIB)) process.exitCode = 1;
