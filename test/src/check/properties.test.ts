import fc from 'fast-check';
import { expect, test } from 'vitest';
import { splitFields } from '../../../src/dkim/fields.ts';
import { toWire } from '../../../src/message/wire.ts';
import { byBank, delivered, FROM_BANK, judge, letter } from '../../helpers/attack-world.ts';

const genuine = delivered(byBank(letter()), FROM_BANK);
/** Where the bank's own bytes begin, behind what the reader's server wrote. */
const start = genuine.indexOf('DKIM-Signature');

/** What a reader is shown, without what no canonicalization keeps. */
function shown(bytes: Buffer): string {
  const { head, body } = toWire(bytes);
  const plain = (text: string) => text.replace(/[ \t\r\n]+/g, ' ').trim();
  const fields = splitFields(head)
    .filter(({ name }) => /^(?:from|to|subject|date|message-id|mime-version|content-type)$/.test(name))
    .map(({ name, raw }) => `${name}:${plain(raw.slice(raw.indexOf(':') + 1))}`);
  return [...fields, plain(body?.toString('latin1') ?? '')].join('\n');
}

const SHOWN = shown(genuine);

/** A few bytes changed, taken out or put in, anywhere in what the bank sent. */
const change = fc.record({
  at: fc.integer({ min: start, max: genuine.length - 1 }),
  take: fc.integer({ min: 0, max: 6 }),
  put: fc.oneof(
    fc.uint8Array({ maxLength: 6 }),
    fc
      .constantFrom(
        '\r\n',
        '\n',
        '\r',
        ' ',
        '\t',
        '\0',
        ':',
        'From: x@attack.example\r\n',
        '\r\n\r\n',
        'b=',
        ';',
      )
      .map((text) => new Uint8Array(Buffer.from(text))),
  ),
});

test('no change of a trusted message shows something else and stays trusted', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
      let bytes = genuine;
      for (const { at, take, put } of changes)
        bytes = Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + take)]);
      const { verdict } = await judge(bytes);
      if (verdict === 'trusted') expect(shown(bytes)).toBe(SHOWN);
    }),
    { numRuns: 1500 },
  );
});

test('whatever comes is answered, and never trusted', async () => {
  const words = fc.constantFrom(
    'From: a@bank.example',
    'DKIM-Signature: v=1; a=rsa-sha256; d=bank.example; s=s1; h=from; bh=; b=',
    'ARC-Seal: i=1; cv=none',
    'Received: from',
    'by mx.home.example',
    '; Wed, 25 Nov 2026 12:00:00 +0000',
    '\r\n',
    '\n',
    '\r',
    ' ',
    '\t',
    '\0',
    '(',
    '"',
    'Authentication-Results: mx.home.example; dkim=pass',
    'Return-Path: <>',
    'c=relaxed',
    'l=0;',
    'i=@;',
    '=?utf-8?b?',
    '\xff\xfe',
  );
  await fc.assert(
    fc.asyncProperty(fc.array(words, { maxLength: 30 }), async (parts) => {
      const check = await judge(Buffer.from(parts.join(''), 'latin1'));
      expect(check.verdict).not.toBe('trusted');
      expect(JSON.stringify(check).length).toBeGreaterThan(100);
    }),
    { numRuns: 500 },
  );
});
