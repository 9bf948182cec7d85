import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readHeader } from '../../../src/message/headers.ts';
import { whyNotMessage } from '../../../src/message/recognise.ts';

const read = (text: string) => readHeader(Buffer.from(text));
const pairs = (text: string) => read(text).fields.map(({ name, value }) => [name, value]);

const TWO = [
  ['Received', 'from a by b; date'],
  ['From', 'x'],
];

test.for([
  ['LF', 'Received: from a\n by b; date\nFrom: x\n\nbody'],
  ['CRLF', 'Received: from a\r\n by b; date\r\nFrom: x\r\n\r\nbody'],
  ['lone CR', 'Received: from a\r by b; date\rFrom: x\r\rbody'],
  ['no body', 'Received: from a\n by b; date\nFrom: x'],
  ['no body, last line ended', 'Received: from a\n by b; date\nFrom: x\n'],
  ['mbox line', 'From x@example.org Tue Nov 24 10:00:00 2026\nReceived: from a\n by b; date\nFrom: x\n\n'],
  ['byte order mark', '\uFEFFReceived: from a\n by b; date\nFrom: x\n\n'],
  ['blank lines in front', '\n  \n\r\nReceived: from a\n by b; date\nFrom: x\n\n'],
  ['space before the colon', 'Received : from a\n by b; date\nFrom : x\n\n'],
  ['every line indented', '    Received: from a\n     by b; date\n    From: x\n\n    body'],
  ['every line indented alike', '    Received: from a\n    by b; date\n    From: x\n\n    body'],
  ['every line quoted', '> Received: from a\n>  by b; date\n> From: x\n>\n> body'],
  ['the value on the next line', 'Received:\nfrom a by b; date\nFrom: x\n\n'],
  ['a trace wrapped without a space', 'Received: from a\nby b; date\nFrom: x\n\n'],
  ['an mbox line in the midst', 'Received: from a by b; date\n>From y Tue Nov 24\nFrom: x\n\n'],
] as const)('%s', ([, text]) => {
  expect(pairs(text)).toEqual(TWO);
});

test('a tab of a fold stays, the line end goes', () => {
  expect(pairs('A: 1\r\n\t2\r\n  3\r\n\r\n')).toEqual([['A', '1\t2  3']]);
  expect(read('A: 1\r\n\t2\r\n\r\n').fields[0]?.rawValue).toBe(' 1\r\n\t2');
});

test('a line that can be no field ends the header', () => {
  const { fields, bodyStart } = read('From: x\nHello Ben,\nNote: this is text\n');
  expect(fields).toHaveLength(1);
  expect(bodyStart).toBe(8);
});

test('ranges are bytes, whatever the characters', () => {
  const bytes = Buffer.from('Subject: ü€\r\nFrom: x\r\n\r\nbody');
  const { fields, bodyStart } = readHeader(bytes);
  expect(fields.map(({ range }) => bytes.subarray(...range).toString())).toEqual([
    'Subject: ü€\r\n',
    'From: x\r\n',
  ]);
  expect(bytes.subarray(bodyStart ?? 0).toString()).toBe('body');
});

test('bytes that are no UTF-8 are kept one to one, field by field', () => {
  const bytes = Buffer.concat([Buffer.from('A: \xfc\n', 'latin1'), Buffer.from('B: ü\n')]);
  expect(readHeader(bytes).fields.map(({ value }) => value)).toEqual(['ü', 'ü']);
});

test('the header is read to 1 MiB and 10,000 fields', () => {
  expect(read(`A: ${'x'.repeat(2 * 1024 * 1024)}`)).toMatchObject({ truncated: true, bodyStart: null });
  const many = read('A: x\n'.repeat(10_001));
  expect(many.fields).toHaveLength(10_000);
  expect(many.truncated).toBe(true);
  expect(read('A: x\n'.repeat(10_000)).truncated).toBe(false);
  expect(read(`A: x\n\n${'y'.repeat(2 * 1024 * 1024)}`).truncated).toBe(false);
});

test('of 50 MB in one line no more than 1 MiB is looked at', () => {
  const { fields } = readHeader(Buffer.alloc(50 * 1024 * 1024, 'A:'));
  expect(fields[0]?.value.length).toBeLessThan(1024 * 1024);
});

test('a view into a larger buffer is read from its own start', () => {
  const bytes = Buffer.from('JUNK\nA: 1\n\n');
  expect(readHeader(new Uint8Array(bytes.buffer, bytes.byteOffset + 5, 6)).fields[0]?.range).toEqual([0, 5]);
});

test('any bytes give fields in order that lie inside the input', () => {
  const line = fc.constantFrom(
    'A: 1',
    ' 2',
    'x',
    '',
    '\t',
    ':',
    'From y',
    '> B: 3',
    'Received:',
    'from a',
    '\0',
  );
  const end = fc.constantFrom('\n', '\r\n', '\r');
  const lines = fc.array(fc.tuple(line, end)).map((parts) => Buffer.from(parts.flat().join('')));
  fc.assert(
    fc.property(fc.oneof(lines, fc.uint8Array({ maxLength: 200 })), (bytes) => {
      let last = 0;
      const { fields, bodyStart } = readHeader(bytes);
      for (const { range } of fields) {
        expect(range[0]).toBeGreaterThanOrEqual(last);
        expect(range[1]).toBeGreaterThan(range[0]);
        last = range[1];
      }
      expect(Math.max(last, bodyStart ?? 0)).toBeLessThanOrEqual(bytes.length);
    }),
  );
});

test.for([
  ['', 'empty'],
  [' \r\n\t', 'only white space'],
  ['Hello Ben', 'no message: it has no header field'],
  ['\xd0\xcf\x11\xe0\xa1\xb1', 'an Outlook .msg file; save the message as .eml'],
  ['\x1f\x8b\x08', 'compressed with gzip; unpack it first'],
  ['PK\x03\x04', 'a ZIP archive; unpack it first'],
  ['%PDF-1.7', 'a PDF file'],
  ['\xff\xfeF\0', 'UTF-16 text; save it as UTF-8'],
  ['\x00\x01\x02\x03', 'not text'],
  ['\x7fELF: \x01\x02\x03\x04', 'not text'],
] as const)('%j is %s', ([text, reason]) => {
  const bytes = Buffer.from(text, 'latin1');
  expect(whyNotMessage(bytes, readHeader(bytes))).toBe(reason);
});

test.for(['From: x\n\nbody', 'Received: by x', 'X-Odd: 1\n\n', 'Subject: \0\0\0\n\n'])(
  '%j is a message',
  (text) => {
    const bytes = Buffer.from(text);
    expect(whyNotMessage(bytes, readHeader(bytes))).toBeNull();
  },
);
