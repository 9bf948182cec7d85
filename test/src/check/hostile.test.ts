import { expect, test } from 'vitest';
import { parseAuthenticationResults } from '../../../src/authres/parse.ts';
import { readKey } from '../../../src/dkim/key.ts';
import { byBank, delivered, FROM_BANK, judge, letter } from '../../helpers/attack-world.ts';

// Texts on which a pattern that goes back again and again would take minutes: each test ends long before the time-out
// of the runner, or fails by it.

const LENGTH = 500_000;
const many = (text: string) => text.repeat(Math.ceil(LENGTH / text.length)).slice(0, LENGTH);
const FROM = 'From: a@bank.example\r\n';
const signed = (tag: string) =>
  `DKIM-Signature: v=1; a=rsa-sha256; d=bank.example; s=s1; h=from; bh=AA==; ${tag}; b=AA==\r\n${FROM}`;

test.for([
  ['blanks in the first line', `a${many(' ')}b\r\n${FROM}`],
  ['blanks in a tag', signed(`z=a${many(' ')}b`)],
  ['folds in a tag', signed(`z=a${many('\r\n ')}b`)],
  ['blanks in the name of a tag', signed(`z${many(' ')}b=1`)],
  ['blanks in h=', signed(`h=from${many(' ')}x`)],
  ['a quarter of a million tags', signed(many('x=1;'))],
  ['a domain without end', signed(`d=${many('ü.')}`)],
  ['an identity without end', signed(`i=${many('=40')}@bank.example`)],
  ['blanks before the colon of From', `From${many(' ')}: a@bank.example\r\n`],
  ['quotes in ARC results', `ARC-Authentication-Results: i=1; ${many('"\\')}\r\n${FROM}`],
  ['ARC seals', `${many('ARC-Seal: i=1; a=rsa-sha256; cv=none; d=a.example; s=s; b=AA==\r\n')}\r\n${FROM}`],
  ['a subject of answers', `Subject: ${many('re: ')}\r\n${signed('z=1')}`],
  ['a body of blanks', `Content-Transfer-Encoding: quoted-printable\r\n${signed('z=1')}\r\na${many(' ')}b`],
  ['a body of dots', `${signed('z=1')}\r\n${many('..\r\n')}`],
] as const)('%s', async ([, text]) => {
  const { verdict } = await judge(Buffer.from(text));
  expect(['suspicious', 'unauthenticated']).toContain(verdict);
});

test('quotes and brackets in results', () => {
  for (const text of ['"\\', '\\"', '"', '(', '()', '(\\'])
    expect(parseAuthenticationResults(`mx.example.org; ${many(text)}`).authservId).toBe('mx.example.org');
});

test('blanks in a key record', () => {
  expect(readKey('s._domainkey.a.example', `v=DKIM1; n=a${many(' ')}b; p=AAAA`).record.state).toBe('invalid');
});

test('a genuine body of one line of 16 MB', { timeout: 30_000 }, async () => {
  const message = byBank(letter({}, `${'long '.repeat(3_200_000)}end\r\n`));
  expect((await judge(delivered(message, FROM_BANK))).verdict).toBe('trusted');
});

test('a header with more blanks in a row than anybody writes is not verified, and that is said', async () => {
  const padded = byBank(letter({ Subject: ` a${' '.repeat(501)}b` }));
  const { verdict, reasons } = await judge(delivered(padded, FROM_BANK));
  expect(verdict).not.toBe('trusted');
  expect(reasons.map(({ code }) => code)).toContain('bound.header');
  const some = byBank(letter({ Subject: ` a${' '.repeat(400)}b` }));
  expect((await judge(delivered(some, FROM_BANK))).verdict).toBe('trusted');
});
