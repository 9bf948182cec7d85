import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { documents } from '../../src/schema/documents.ts';
import { conformance } from '../helpers/debian.ts';
import { run } from '../helpers/run.ts';

test('every saved message gets its hops, and a document that its schema describes', async (context) => {
  const folder = join(conformance(context), 'received', 'messages');
  const files = readdirSync(folder).map((file) => join(folder, file));
  const { stdout, stderr } = await run('message path', [...files, '--json']);
  expect(stderr).toBe('');
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(rows).toHaveLength(files.length);
  for (const row of rows) {
    documents['postern/message-path/1'].parse(row);
    expect(row.hops.length).toBeGreaterThan(0);
  }
});
