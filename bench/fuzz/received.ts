// Fuzzes headers and Received fields: node bench/fuzz/received.ts [SECONDS], ten minutes when nothing is said.
// Seeds are the examples, and the conformance data where POSTERN_CONFORMANCE says it is.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readHeader } from '../../src/message/headers.ts';
import { whyNotMessage } from '../../src/message/recognise.ts';
import { describePath } from '../../src/received/path.ts';
import { redactPath } from '../../src/received/redact.ts';
import { fuzz } from './harness.ts';

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(txt|eml)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
}

const conformance = process.env['POSTERN_CONFORMANCE'];
const folders = [
  join(import.meta.dirname, '../../examples'),
  ...(conformance ? [join(conformance, 'received')] : []),
];
const seeds = folders.flatMap(filesBelow).map((file) => {
  const text = readFileSync(file).subarray(0, 32_768);
  return file.endsWith('.txt') ? Buffer.concat([Buffer.from('Received: '), text, Buffer.from('\r\n')]) : text;
});

fuzz({
  name: 'received',
  seeds,
  seconds: Number(process.argv[2] ?? 600),
  target: (input) => {
    const header = readHeader(input);
    whyNotMessage(input, header);
    redactPath(
      describePath({ ...header, body: input.subarray(header.bodyStart ?? input.length) }, { nowMs: 0 }),
    );
  },
});
