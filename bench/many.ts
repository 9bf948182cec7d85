// Domains that share 200 servers, more and more of them: each server is asked once, by one connection at a time, and
// memory stays flat once answers of the DNS fill their place. By hand; takes a minute or two.
//   node bench/many.ts [DOMAINS]
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { measure, startMany } from './measure.ts';

const SERVERS = 200;
const DELAY_MS = 0;

const most = Number(process.argv[2] ?? 10_000);
const folder = mkdtempSync(join(tmpdir(), 'postern-bench-'));

for (const domains of [most / 10, most / 2, most]) {
  const lab = await startMany(SERVERS, domains, DELAY_MS);
  const list = join(folder, `${domains}.txt`);
  writeFileSync(list, Array.from({ length: domains }, (_, index) => `d${index}.test\n`).join(''));
  const { ms, peakMib, exit } = await measure([
    process.execPath,
    fileURLToPath(new URL('../bin/run.js', import.meta.url)),
    ...`mx probe --from-file ${list} --format jsonl --output ${join(folder, 'rows.jsonl')}`.split(' '),
    ...`--resolver 127.0.0.1:${lab.dns} --port ${lab.port} --allow-private --ehlo client.test`.split(' '),
  ]);
  const counted = await lab.stop();
  process.stdout.write(
    `${domains} domains, ${SERVERS} servers: ${(ms / 1000).toFixed(1)} s, ${peakMib?.toFixed(0)} MiB, exit ${exit}; ` +
      `${counted.all} connections, at most ${counted.most} at a time to one server\n`,
  );
}
