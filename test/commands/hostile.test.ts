import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SaxesParser } from 'saxes';
import { afterAll, expect, test } from 'vitest';
import { root, run } from '../helpers/run.ts';

// What others wrote, in each format of the commands that read it.

const folder = mkdtempSync(join(tmpdir(), 'postern-hostile-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Turns text round, hides, ends a cell; and what a spreadsheet would compute. */
const HOSTILE = '=1+1\u202e\u009b31m\u200b","</x>';

/** None of these may stand anywhere as it is, but the line ends of a format. */
const OBEYED = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b\u202a-\u202e\u2066-\u2069]/;

const report = join(folder, 'report.xml');
const xml = HOSTILE.replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
writeFileSync(
  report,
  readFileSync(`${root}examples/reports/dmarc.xml`, 'utf8')
    .replace('Receiver Inc.', xml)
    .replaceAll('bounce.newsletter.example', xml),
);
const message = join(folder, 'message.eml');
writeFileSync(
  message,
  `From: ${HOSTILE} <a@example.org>\r\nTo: b@example.net\r\nSubject: ${HOSTILE}\r\n\r\n${HOSTILE}\r\n`,
);

const CALLS: readonly (readonly [string, readonly string[]])[] = [
  ['report dmarc', [report]],
  ['message view', [message, '--offline']],
];
const FORMATS = ['text', 'json', 'csv', 'nagios', 'junit', 'sarif', 'github', 'markdown'] as const;

test.for(CALLS.flatMap(([id, argv]) => FORMATS.map((format) => [id, format, argv] as const)))(
  '%s as %s holds nothing that is obeyed, and stays whole',
  async ([id, format, argv]) => {
    const { stdout, stderr, exit } = await run(id, [...argv, '--format', format]);
    // Not every command writes every format.
    if (exit === 64) {
      expect(stderr).toContain('--format');
      return;
    }
    expect(stdout.length).toBeGreaterThan(20);
    expect(`${stdout}${stderr}`).not.toMatch(OBEYED);
    if (format === 'json' || format === 'sarif') expect(() => JSON.parse(stdout)).not.toThrow();
    if (format === 'junit') expect(() => new SaxesParser().write(stdout).close()).not.toThrow();
    if (format === 'csv') expect(stdout).not.toMatch(/(?:^|,)"?[=+@]/m);
  },
);
