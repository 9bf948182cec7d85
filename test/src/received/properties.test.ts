import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readHeader } from '../../../src/message/headers.ts';
import { parseReceived } from '../../../src/received/parse.ts';
import { describePath } from '../../../src/received/path.ts';
import { scan } from '../../../src/received/scan.ts';

const FIXTURES = new URL('../../fixtures/received/', import.meta.url);
const ROWS: readonly { readonly line: string }[] = JSON.parse(
  readFileSync(new URL('software.json', FIXTURES), 'utf8'),
);

/** Pieces of which lines are made, so that random lines come near real ones. */
const PIECES = fc.constantFrom(
  ...[
    'from',
    'by',
    'with',
    'id',
    'for',
    'via',
    'tls',
    'envelope-from',
    ';',
    '(',
    ')',
    '[',
    ']',
    '<',
    '>',
    '"',
    '\\',
  ],
  ...[
    'c.example',
    '192.0.2.1',
    '[IPv6:2001:db8::1]',
    'ESMTPS',
    'ESMTP',
    'Microsoft SMTP Server',
    'TLS',
    '=',
    ':',
  ],
  ...[
    'using TLSv1.3 with cipher',
    'TLS_AES_256_GCM_SHA384',
    'version=',
    'cipher=',
    'helo=',
    'HELO x',
    '__proto__',
  ],
  ...[
    'Tue, 24 Nov 2026',
    '10:00:00',
    '+0000',
    '2026-11-24 10:00:00',
    'Exim 4.96',
    'Postfix',
    'qmail 1',
    '\0',
    '\n ',
  ],
);

const LINES = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.array(PIECES, { maxLength: 60 }).map((pieces) => pieces.join(' ')),
  fc.array(PIECES, { maxLength: 60 }).map((pieces) => pieces.join('')),
);

test('no line makes the parser throw, and a date is always an instant', () => {
  fc.assert(
    fc.property(LINES, (line) => {
      const trace = parseReceived(line);
      expect(trace.raw).toBe(line);
      if (trace.date !== null) expect(Number.isNaN(Date.parse(trace.date))).toBe(false);
      if (trace.tls !== null) expect(['yes', 'no']).toContain(trace.encrypted);
      expect(trace.encryptedReason).not.toBe('');
    }),
    { numRuns: 2000 },
  );
});

test('where the folds are makes no difference', () => {
  const chosen = fc.tuple(
    fc.constantFrom(...ROWS),
    fc.array(fc.constantFrom(' ', '\n ', '\r\n\t'), { minLength: 1 }),
  );
  fc.assert(
    fc.property(chosen, ([{ line }, folds]) => {
      let count = 0;
      const refolded = line.replace(/\s+/g, () => folds[count++ % folds.length] ?? ' ');
      const { raw: _, ...expected } = parseReceived(line.replace(/\s+/g, ' '));
      expect(parseReceived(refolded)).toMatchObject(expected);
    }),
  );
});

test('every line of ours cut at every place', () => {
  for (const { line } of ROWS) {
    for (let end = 0; end < line.length; end += 1) parseReceived(line.slice(0, end));
  }
});

test('every message of ours cut at every place', () => {
  for (const name of readdirSync(FIXTURES).filter((file) => file.endsWith('.eml'))) {
    const bytes = readFileSync(new URL(name, FIXTURES));
    for (let end = 0; end <= bytes.length; end += 7) {
      const { fields } = readHeader(bytes.subarray(0, end));
      describePath({ fields }, { nowMs: 0 });
    }
  }
});

const MEGABYTE = 1024 * 1024;

/** The number of tokens bounds the work that follows; nothing is looked at twice but the unclosed brackets. */
test.for([
  '(',
  ')',
  '()',
  '((',
  '[',
  '[ ',
  '"',
  '" ',
  '<',
  '< ',
  '\\',
  ';',
  ' ',
  'from ',
  'a ',
  'Tue, ',
  '1 ',
  '\0',
])('a megabyte of %j gives a bounded number of tokens', (piece) => {
  const text = piece.repeat(MEGABYTE / piece.length);
  expect(scan(text).length).toBeLessThanOrEqual(512);
  const trace = parseReceived(text);
  expect(trace.flags).toContain('truncated');
  expect(trace.encrypted).toBe('unknown');
});
