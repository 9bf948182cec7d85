import { expect, test } from 'vitest';
import { dmarcPassOf, readArcSets } from '../../../src/arc/sets.ts';
import { parseAuthenticationResults } from '../../../src/authres/parse.ts';
import { splitFields } from '../../../src/dkim/fields.ts';

const plain = (value: string) => {
  const { authservId, instance, results } = parseAuthenticationResults(value);
  return [
    authservId,
    instance,
    results.map(({ method, result }) => `${method}=${result}`).join(' '),
  ] as const;
};

test.for([
  ['mx.example.org; spf=pass smtp.mailfrom=a@b.example', ['mx.example.org', null, 'spf=pass']],
  ['MX.Example.ORG 1; none', ['mx.example.org', null, '']],
  [
    'mx.example.org; dkim = pass (2048 (bits); ok) header.d=b.example; dmarc=FAIL',
    ['mx.example.org', null, 'dkim=pass dmarc=fail'],
  ],
  ['"mx; example"; spf/1=none reason="a; b=c"', ['mx; example', null, 'spf=none']],
  ['i=2; mx.example.org; arc=pass', ['mx.example.org', 2, 'arc=pass']],
  ['', [null, null, '']],
  [';;;===', [null, null, '']],
] as const)('%s', ([value, expected]) => {
  expect(plain(value)).toEqual(expected);
});

test('properties and reasons, comments left out', () => {
  const [result] = parseAuthenticationResults(
    'mx.example.org; dkim=fail reason="bad \\"hash\\"" header.d=b.example (no) header.s=s1 header.d=c.example',
  ).results;
  expect(result).toMatchObject({
    reason: 'bad "hash"',
    properties: { 'header.d': 'b.example', 'header.s': 's1' },
  });
});

test('a field of a million brackets is read in time', () => {
  expect(plain('('.repeat(1_000_000))).toEqual([null, null, '']);
});

const fields = (text: string) => splitFields(Buffer.from(text.replaceAll('\n', '\r\n')));

test('ARC sets are told as they claim to be, the oldest first', () => {
  const sets = readArcSets(
    fields(
      'ARC-Seal: i=2; a=rsa-sha256; cv=pass; d=List.Example; s=s2; t=1700000000; b=aa\n' +
        'ARC-Message-Signature: i=2; a=rsa-sha256; d=list.example; s=s2; h=from; bh=aa; b=aa\n' +
        'ARC-Authentication-Results: i=2; mx.list.example; dmarc=pass header.from=Bank.Example\n' +
        'ARC-Seal: i=1; cv=none; d=first.example; s=s1; b=aa\n' +
        'ARC-Seal: i=99; cv=none; d=none.example; s=s1; b=aa\n' +
        'ARC-Seal: cv=none; d=none.example\n',
    ),
  );
  expect(sets.map(({ instance, sealer, chainValidation }) => [instance, sealer, chainValidation])).toEqual([
    [1, 'first.example', 'none'],
    [2, 'list.example', 'pass'],
  ]);
  expect(sets[1]).toMatchObject({ authservId: 'mx.list.example', sealedAtMs: 1.7e12 });
  expect(dmarcPassOf(sets)).toBe('bank.example');
  expect(dmarcPassOf(sets.slice(0, 1))).toBeNull();
});
