/**
 * What parsing one Received field costs, over the lines of the conformance data.
 *
 *   POSTERN_CONFORMANCE=../shared/conformance node bench/received.ts [rounds]
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readHeader } from '../src/message/headers.ts';
import { parseReceived } from '../src/received/parse.ts';

const root = process.env['POSTERN_CONFORMANCE'];
if (root === undefined) {
  console.error('POSTERN_CONFORMANCE does not say where the lines are.');
  process.exit(64);
}

const lines = readdirSync(join(root, 'received'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && !entry.name.endsWith('.jsonl'))
  .flatMap((entry) => linesOf(readFileSync(join(entry.parentPath, entry.name))));

/** A file is a message, or the body of one field. */
function linesOf(bytes: Buffer): string[] {
  const received = readHeader(bytes).fields.filter((field) => field.name.toLowerCase() === 'received');
  return received.length > 0 ? received.map((field) => field.rawValue) : [bytes.toString()];
}

const rounds = Number(process.argv[2] ?? 200);
let encrypted = 0;
function run(times: number): number {
  const start = process.hrtime.bigint();
  for (let round = 0; round < times; round += 1) {
    for (const line of lines) if (parseReceived(line).encrypted === 'yes') encrypted += 1;
  }
  return Number(process.hrtime.bigint() - start) / (times * lines.length);
}

const cold = run(1);
run(20);
const warm = run(rounds);
console.log(
  `${lines.length} lines, first pass ${cold.toFixed(0)} ns a line, then ${warm.toFixed(0)} ns a line`,
);
console.log(`${((encrypted * 100) / ((rounds + 21) * lines.length)).toFixed(1)} % of them say TLS`);
