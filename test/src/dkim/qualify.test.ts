import { describe, expect, test } from 'vitest';
import type { Signing } from '../../../src/lab/dkim-signer.ts';
import {
  atBottom,
  byAttacker,
  byBank,
  judge,
  keys,
  letter,
  onTop,
  replaced,
} from '../../helpers/attack-world.ts';
import { NOW } from '../../helpers/trust.ts';

const SECONDS = Math.floor(NOW / 1000);
const COVERED = ['from', 'subject', 'date', 'to', 'mime-version', 'content-type'];

/** The signature's section of the report. */
async function signature(bytes: Buffer) {
  const { dkim } = await judge(bytes);
  const [first] = dkim.signatures;
  if (!first) throw new Error('no signature');
  return first;
}

const bank = (changes: Partial<Signing> = {}, fields: Record<string, string | null> = {}) =>
  byBank(letter(fields), changes);

test('a signature that covers all that is shown qualifies', async () => {
  expect(await signature(bank())).toMatchObject({
    result: 'pass',
    qualifies: true,
    aligned: true,
    disqualifiedBy: [],
    keyBits: 2048,
    cause: null,
    reason: null,
  });
});

describe('each point alone keeps a signature from qualifying', () => {
  test.for([
    ['the body was changed', replaced(bank(), 'ready', 'READY'), 'dkim.fail'],
    ['a signed field was changed', replaced(bank(), 'Your statement\r\n', 'Your money\r\n'), 'dkim.fail'],
    ['the key is gone', bank({ selector: 'nothing' }), 'dkim.no-key'],
    ['the key was revoked', bank({ selector: 'gone' }), 'dkim.bad-key'],
    ['the key is for sha1', bank({ selector: 'sha1' }), 'dkim.bad-key'],
    ['the key is for something else', bank({ selector: 'other' }), 'dkim.bad-key'],
    ['the key could not be had', bank({ selector: 'slow' }), 'dkim.temperror'],
    ['the key is small', bank({ selector: 'weak', key: keys.bankWeak }), 'dkim.weak-key'],
    ['SHA-1', bank({ tags: { a: 'rsa-sha1' } }), 'dkim.sha1'],
    ['the domain is testing', bank({ selector: 'test' }), 'dkim.testing-key'],
    [
      'a subdomain under t=s',
      bank({ selector: 'strict', tags: { i: '@sub.bank.example' } }),
      'dkim.identity',
    ],
    ['i= outside of d=', bank({ tags: { i: '@attack.example' } }), 'dkim.identity'],
    ['it expired', bank({ tags: { t: `${SECONDS - 900}`, x: `${SECONDS - 60}` } }), 'dkim.expired'],
    ['it is of tomorrow', bank({ tags: { t: `${SECONDS + 86_400}` } }), 'dkim.future'],
    ['it covers a part of the body', bank({ tags: { l: '4' } }), 'dkim.partial-body'],
    ['Subject is not covered', bank({ names: COVERED.toSpliced(1, 1) }), 'dkim.unsigned-header:subject'],
    [
      'Content-Type is not covered',
      bank({ names: COVERED.slice(0, 5) }),
      'dkim.unsigned-header:content-type',
    ],
    [
      'Reply-To of others is not covered',
      bank({ names: COVERED }, { 'Reply-To': ' x@attack.example' }),
      'dkim.unsigned-header:reply-to',
    ],
    ['a second Subject', onTop('Subject: Win\r\n', bank({ names: COVERED })), 'dkim.added-header:subject'],
    ['a second To', onTop('To: all@home.example\r\n', bank({ names: COVERED })), 'dkim.added-header:to'],
    ['another domain', byAttacker(letter()), 'dkim.unaligned'],
    ['a NUL in s=', replaced(bank(), 's=s1', 's=s1\0'), 'dkim.bad-name'],
  ] as const)('%s: %s', async ([, bytes, code]) => {
    const { qualifies, disqualifiedBy } = await signature(bytes);
    expect(qualifies).toBe(false);
    expect(disqualifiedBy).toContain(code);
  });

  test('a public suffix as the signing domain', async () => {
    const bytes = byAttacker(letter(), { domain: 'example' });
    expect((await signature(bytes)).disqualifiedBy).toContain('dkim.public-suffix');
  });
});

describe('what is no reason', () => {
  test('l= that covers the whole body', async () => {
    const length = 'Your statement is ready.\r\n'.length;
    expect((await signature(bank({ tags: { l: `${length}` } }))).qualifies).toBe(true);
  });

  test('an unsigned Reply-To inside the organization is a warning', async () => {
    const bytes = bank({ names: COVERED }, { 'Reply-To': ' help@mail.bank.example' });
    expect(await signature(bytes)).toMatchObject({
      qualifies: true,
      warnings: ['dkim.unsigned-header:reply-to'],
    });
  });

  test('an address hidden in a quoted string is looked at, too', async () => {
    const bytes = bank({ names: COVERED }, { 'Reply-To': ' "help@bank.example" <x@attack.example>' });
    expect((await signature(bytes)).disqualifiedBy).toContain('dkim.unsigned-header:reply-to');
  });

  test('trace fields that every server adds', async () => {
    const signed = byBank(onTop('Received: from a by b; Wed, 25 Nov 2026 11:59:30 +0000\r\n', letter()), {
      names: [...COVERED, 'received'],
    });
    const bytes = onTop('Received: from c by d; Wed, 25 Nov 2026 12:00:00 +0000\r\n', signed);
    expect((await signature(bytes)).qualifies).toBe(true);
  });

  test('an unsigned field that nobody is shown', async () => {
    expect((await signature(atBottom('X-Mailer: Any\r\n', bank()))).qualifies).toBe(true);
  });
});
