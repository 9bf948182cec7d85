// Fuzzes parsers for as long as is asked: node bench/fuzz/run.ts [TARGET|all] [SECONDS A TARGET]. What crashes or hangs is
// written to crashes/. Seeds are the examples, and the conformance data where POSTERN_CONFORMANCE says it is.
import { randomInt } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fuzz } from './harness.ts';
import { targets } from './targets.ts';

/** A kilobyte may take this long before the input counts as a hang; another 100 ms are the machine's. */
const SLOW_MS_PER_KB = 50;

const [wanted = 'all', seconds = '60'] = process.argv.slice(2);
const chosen = targets.filter(({ name }) => wanted === 'all' || wanted === name);
if (chosen.length === 0) {
  process.stderr.write(`No target ${wanted}; there are ${targets.map(({ name }) => name).join(', ')}.\n`);
  process.exitCode = 64;
}
const folder = join(import.meta.dirname, 'crashes');
for (const target of chosen) {
  const end = performance.now() + Number(seconds) * 1000;
  const { runs, findings } = await fuzz(target, {
    dice: (n) => randomInt(n),
    goOn: (_, found) => performance.now() < end && found < 20,
    slowMs: (bytes) => 100 + (SLOW_MS_PER_KB * bytes) / 1024,
  });
  for (const [index, { input, what }] of findings.entries()) {
    mkdirSync(folder, { recursive: true });
    const file = join(folder, `${target.name}-${Date.now()}-${index}.bin`);
    writeFileSync(file, input);
    process.stdout.write(`${target.name}: ${what} (${file})\n`);
  }
  process.stdout.write(`${target.name}: ${runs} inputs in ${seconds} s, ${findings.length} found\n`);
  if (findings.length > 0) process.exitCode = 1;
}
