import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { mixesScripts, skeleton } from '../../../src/trust/skeleton.ts';

const require = createRequire(import.meta.url);
const table = JSON.parse(readFileSync(require.resolve('unhomoglyph/data.json'), 'utf8')) as Record<
  string,
  string
>;

test('whatever the table of UTS #39 takes for ASCII letters and digits has their skeleton', () => {
  const bare = (text: string) => text.normalize('NFKD').replaceAll(/\p{M}/gu, '');
  // What NFKC turns into ASCII has its skeleton from there, such as the long s.
  const pairs = Object.entries(table).filter(
    ([source, target]) => /^[^\0-\x7f]$/u.test(bare(source)) && /^[A-Za-z0-9]{1,3}$/.test(bare(target)),
  );
  expect(pairs.length).toBeGreaterThan(700);
  const apart = pairs.filter(
    ([source, target]) => skeleton(source).hurried !== skeleton(bare(target)).hurried,
  );
  expect(apart).toEqual([]);
});

test.for([
  ['PayPal', 'paypal'],
  ['PayPal', 'PayPaI'],
  ['PayPal', 'Р\u0430yР\u0430l'],
  ['modern', 'rnodem'],
  ['wave', 'vvave'],
  ['Bank 10', 'BANK  l\u041e'],
  ['Bank', 'B\u200ba\u00adn\u2060k'],
  ['Bank', '\u{1d401}\u{1d41a}\u{1d427}\u{1d424}'],
] as const)('%j can be taken for %j', ([one, other]) => {
  expect(skeleton(other)).toEqual(skeleton(one));
});

test.for([
  ['Bank', 'Bänk', true],
  ['Bank', 'Bąnk', true],
  ['Bank', 'Bạnk', false],
  ['Bank', 'Bonk', null],
  ['bank', 'tank', null],
] as const)('accents between %j and %j', ([one, other, seen]) => {
  const [first, second] = [skeleton(one), skeleton(other)];
  if (seen === null) expect(second.hurried).not.toBe(first.hurried);
  else {
    expect(second.hurried).toBe(first.hurried);
    expect(second.careful !== first.careful).toBe(seen);
  }
});

test.for([
  ['bank', false],
  ['b\u0430nk', true],
  ['\u0431\u0430\u043d\u043a', false],
  ['\u03b1bc', true],
  ['abc\u682a\u5f0f\u30b5\u306e', false],
  ['abc\ud55c\uad6d\u6f22', false],
  ['\u30b5\ud55c', true],
  ['\u05d0\u0627', true],
  ['bank-24', false],
  ['\u0561\u0e01', true],
] as const)('whether %j mixes scripts', ([label, mixed]) => {
  expect(mixesScripts(label)).toBe(mixed);
});
