import { expect, test } from 'vitest';
import { readHeader } from '../../../src/message/headers.ts';
import { readAuthor } from '../../../src/trust/author.ts';

function author(from: string, headerOnly = false) {
  const input = Buffer.from(from, 'utf8');
  return readAuthor(input, readHeader(input), headerOnly);
}

function codes(from: string): readonly string[] {
  return author(from).faults.map(({ code }) => code.replace('structure.', ''));
}

/** A From field with this body, in a message that is sound apart from it. */
function message(from: string): string {
  return `Received: by mx.home.example\r\nFrom:${from}\r\nSubject: x\r\n\r\nbody\r\n`;
}

test.for([
  [' service@bank.example', '', 'bank.example'],
  [' "Bank, Example" <service@Bank.Example>', 'Bank, Example', 'bank.example'],
  [' Example Bank <service@bank.example>', 'Example Bank', 'bank.example'],
  [' J. Q. Public <service@bank.example>', 'J. Q. Public', 'bank.example'],
  [' service@bank.example (Example Bank)', 'Example Bank', 'bank.example'],
  [' =?utf-8?q?B=C3=A4nk?= <service@bank.example>', 'Bänk', 'bank.example'],
  [' =?utf-8?b?QsOk?= =?utf-8?b?bms=?= <service@bank.example>', 'Bänk', 'bank.example'],
  [' Bänk <dienst@bänk.example>', 'Bänk', 'xn--bnk-qla.example'],
  ['\r\n Example\r\n Bank\r\n <service@bank.example>', 'Example Bank', 'bank.example'],
  [' "a\\"b" <service@bank.example>', 'a"b', 'bank.example'],
  [' service@bank.example <service@bank.example>', 'service@bank.example', 'bank.example'],
  [' A <a@bank.example>, B <b@bank.example>', 'A', 'bank.example'],
  [' Team: a@bank.example, b@bank.example;', 'Team', 'bank.example'],
] as const)('an author is read: %j', ([from, display, domain]) => {
  const read = author(message(from));
  expect(read.faults).toEqual([]);
  expect(read).toMatchObject({ domain, field: 1 });
  expect(read.mailboxes[0]?.display).toBe(display);
});

test.for([
  // two readers of the address
  [' a@attack.example <b@bank.example>', 'ambiguous-from'],
  [' "Bank <b@bank.example>" <a@attack.example>', 'ambiguous-from'],
  [' =?utf-8?q?Bank_=3Cb=40bank.example=3E?= <a@attack.example>', 'ambiguous-from'],
  [' a@attack.example (<b@bank.example>)', 'ambiguous-from'],
  // addresses that are none
  [' <a@attack.example><b@bank.example>', 'unparsable-address'],
  [' <a@attack.example', 'unparsable-address'],
  [' "Bank', 'unparsable-address'],
  [' Bank', 'unparsable-address'],
  [' a@b@bank.example', 'unparsable-address'],
  [' a@bank..example', 'unparsable-address'],
  [' a@bank.example.', 'unparsable-address'],
  [' a@bank_.example-', 'unparsable-address'],
  [' a@"bank.example"', 'unparsable-address'],
  [' a@bank.example,', 'unparsable-address'],
  [' (a@bank.example', 'unparsable-address'],
  [' a:b:x@bank.example;;', 'unparsable-address'],
  [` ${'('.repeat(30)}x${')'.repeat(30)} a@bank.example`, 'unparsable-address'],
  [' <@attack.example,@b.example:a@bank.example>', 'source-route'],
  [' a@[192.0.2.1]', 'address-literal'],
  [' a@=?utf-8?q?bank?=.example', 'encoded-address'],
  [' <=?utf-8?b?YUBiYW5rLmV4YW1wbGU=?=@attack.example>', 'encoded-address'],
  [` ${'a'.repeat(40_000)}@bank.example`, 'too-long'],
  // none, or several
  ['', 'no-author'],
  [' Undisclosed:;', 'empty-group'],
  [' A <a@bank.example>, B <b@attack.example>', 'several-domains'],
  [' Team: a@bank.example, b@attack.example;', 'several-domains'],
  // bytes
  [' a@bank.example\u0001', 'control-byte'],
  [' a@bank.example\0@attack.example', 'nul'],
] as const)('an author is doubted: %j is %s', ([from, code]) => {
  expect(codes(message(from))).toContain(code);
});

test.for([
  ['no From field', 'Subject: x\r\n\r\nbody', 'no-from'],
  ['two From fields', 'From: a@bank.example\r\nFrom: a@attack.example\r\n\r\n', 'several-from'],
  ['two From fields in other case', 'From: a@bank.example\r\nFROM: a@attack.example\r\n\r\n', 'several-from'],
  ['a second From with a blank', 'From: a@bank.example\r\nFrom : a@attack.example\r\n\r\n', 'several-from'],
  ['a blank before the colon', 'From : a@bank.example\r\n\r\n', 'from-spacing'],
  ['a name that is folded', 'Subject: x\r\nFrom\r\n : a@bank.example\r\n\r\n', 'non-header-line'],
  [
    'a blank before the first field',
    ' From: a@bank.example\r\nFrom: a@attack.example\r\n\r\n',
    'leading-space',
  ],
  [
    'a line that is no field',
    'From: a@bank.example\r\nhello\r\nFrom: a@attack.example\r\n\r\n',
    'non-header-line',
  ],
  ['a name with a NUL', 'From: a@bank.example\r\nFrom\0: a@attack.example\r\n\r\n', 'nul'],
  ['NUL in another field', 'From: a@bank.example\r\nSubject: a\0b\r\n\r\n', 'nul'],
  ['a bare CR', 'From: a@bank.example\r\nSubject: x\rFrom: a@attack.example\r\n\r\n', 'bare-cr'],
  [
    'a bare LF among CRLF',
    'Subject: x\nFrom: a@attack.example\r\nFrom: a@bank.example\r\n\r\n',
    'mixed-line-endings',
  ],
  ['an empty line in front', '\r\nFrom: a@bank.example\r\n\r\n', 'leading-blank-line'],
  ['a fold of blanks alone', 'Subject: x\r\n \r\nFrom: a@bank.example\r\n\r\n', 'blank-line'],
  ['a name beyond ASCII', 'From: a@bank.example\r\nFr\u043em: a@attack.example\r\n\r\n', 'non-header-line'],
  [
    'a header without an end',
    `From: a@bank.example\r\n${'X-A: b\r\n'.repeat(10_001)}\r\n`,
    'header-too-long',
  ],
] as const)('the structure is doubted: %s', ([, text, code]) => {
  expect(codes(text)).toContain(code);
});

test.for([
  ['LF alone', 'From: a@bank.example\nSubject: x\n\nbody\n'],
  ['CRLF alone', 'From: a@bank.example\r\nSubject: x\r\n\r\nbody\r\n'],
  ['LF in the body only', 'From: a@bank.example\r\nSubject: x\r\n\r\nbody\n'],
  ['an mbox line in front', 'From a@bank.example Wed Nov 25 12:00:00 2026\nFrom: a@bank.example\n\nbody\n'],
  ['a byte order mark', '\ufeffFrom: a@bank.example\r\n\r\nbody'],
  [
    'a signature that names From on a line of its own',
    'DKIM-Signature: v=1; h=\r\n\tFrom:To;\r\nFrom: a@bank.example\r\n\r\n',
  ],
  ['no body', 'From: a@bank.example\r\n'],
] as const)('the structure is sound: %s', ([, text]) => {
  expect(codes(text)).toEqual([]);
});

test('a pasted header is not blamed for the way it was pasted', () => {
  const pasted = '   From: a@bank.example\n   Subject: x\n   y\n';
  expect(author(pasted, true)).toMatchObject({ domain: 'bank.example', faults: [] });
});

test('a pasted header with two authors is blamed', () => {
  expect(author('From: a@bank.example\nFrom: a@attack.example\n', true).faults[0]?.code).toBe(
    'structure.several-from',
  );
});

test('bytes of any kind end in an answer', () => {
  for (let seed = 1; seed < 3000; seed += 1) {
    let state = seed;
    const pieces = [
      'From',
      ':',
      ' ',
      '<',
      '>',
      '@',
      'a.example',
      ',',
      ';',
      '"',
      '(',
      ')',
      '\\',
      '\r\n',
      '\n',
      '\r',
      '\0',
      '=?',
      '?q?',
      '?=',
    ];
    let text = 'From: ';
    for (let count = 0; count < 20; count += 1) {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
      text += pieces[(state >> 8) % pieces.length];
    }
    const read = author(text);
    if (read.domain === null) expect(read.faults).not.toEqual([]);
  }
});

test.for([
  ['a word without an end', 'a'.repeat(32_000)],
  ['quotation marks', '"\\"'.repeat(10_000)],
  ['open brackets', '<'.repeat(32_000)],
  ['comments in comments', '('.repeat(32_000)],
  ['groups in groups', `${'a:'.repeat(10_000)}${';'.repeat(10_000)}`],
  ['groups with comments', 'a:(c);,'.repeat(4_000)],
  ['encoded words without an end', '=?utf-8?q?'.repeat(3_000)],
  ['pieces of encoded words', '?= =?a'.repeat(5_000)],
  ['encoded words', '=?utf-8?q?a?= '.repeat(2_000)],
  ['mailboxes', 'a@bank.example,'.repeat(2_000)],
  ['at signs', 'a@'.repeat(16_000)],
  ['blanks', ' '.repeat(32_000)],
  ['folds', 'a\r\n '.repeat(10_000)],
] as const)('a From field of %s is read in its time', ([, value]) => {
  for (const tail of ['', ' <a@bank.example>']) {
    const read = author(message(` ${value}${tail}`));
    expect(read.domain === 'bank.example' || read.faults.length > 0).toBe(true);
  }
});
