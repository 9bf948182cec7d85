/**
 * What a plain program does with mailauth: read a batch of files, parse every Received field with mailauth's
 * parseReceived, write a row of JSON for each file. The other side of the comparison in ../received.ts.
 *
 *   node bench/peers/received.ts BATCH [--received]
 */
import { readFileSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';

const { parseReceived } = createRequire(import.meta.url)('mailauth/lib/parse-received') as {
  parseReceived: (line: string) => unknown;
};
const [batch = '', ...flags] = process.argv.slice(2);
const bare = flags.includes('--received');

/** The Received fields of a header, folds and all. */
function receivedIn(text: string): string[] {
  const end = text.search(/\r?\n\r?\n/);
  const header = end === -1 ? text : text.slice(0, end);
  return header.split(/\r?\n(?![ \t])/).filter((field) => /^received[ \t]*:/i.test(field));
}

let pending = '';
function flush(): void {
  const bytes = Buffer.from(pending);
  for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at);
  pending = '';
}

for (const line of readFileSync(batch, 'utf8').split('\n')) {
  if (line === '') continue;
  const { id, file } = JSON.parse(line) as { id: string; file: string };
  const text = readFileSync(file, 'utf8');
  const fields = bare ? [`Received: ${text}`] : receivedIn(text);
  pending += `${JSON.stringify({ id, hops: fields.map((field) => parseReceived(field)) })}\n`;
  if (pending.length > 65_536) flush();
}
flush();
