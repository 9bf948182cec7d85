// What a start costs, as a ratio to a bare `node -e 0`: medians of interleaved runs on this machine.
//   node bench/start-up.ts [ROUNDS] [--check]
// --check exits with 1 when a ratio is above its limit.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const rounds = Number(process.argv.find((arg) => /^\d+$/.test(arg)) ?? 21);

/** What is measured, and the most it may cost. */
const cases = [
  { name: 'node -e 0', argv: ['-e', '0'], limit: 1 },
  { name: 'postern --version', argv: [at('../bin/run.js'), '--version'], limit: 1.6 },
  { name: 'postern help exit-codes', argv: [at('../bin/run.js'), 'help', 'exit-codes'], limit: 4 },
  {
    name: 'postern message path FILE',
    argv: [at('../bin/run.js'), 'message', 'path', at('../examples/forwarded.eml')],
    limit: 4,
  },
  {
    name: 'postern message check FILE --offline',
    argv: [
      at('../bin/run.js'),
      'message',
      'check',
      at('../examples/trust/listed.eml'),
      '--offline',
      '--dns-cache',
      at('../examples/trust/dns.json'),
    ],
    limit: 6,
  },
];

function run(argv: readonly string[]): number {
  const begun = performance.now();
  spawnSync(process.execPath, argv, { stdio: 'ignore' });
  return performance.now() - begun;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

const times = cases.map(() => [] as number[]);
for (const { argv } of cases) run(argv); // fills the compile cache
for (let round = 0; round < rounds; round++) {
  for (const [index, { argv }] of cases.entries()) times[index]?.push(run(argv));
}

const bare = median(times[0] ?? []);
for (const [index, { name, limit }] of cases.entries()) {
  const ms = median(times[index] ?? []);
  const ratio = ms / bare;
  process.stdout.write(
    `${name.padEnd(36)} ${ms.toFixed(0).padStart(5)} ms  ${ratio.toFixed(2)} times (limit ${limit})\n`,
  );
  if (process.argv.includes('--check') && ratio > limit) process.exitCode = 1;
}
