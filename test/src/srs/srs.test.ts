import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AppError } from '../../../src/errors.ts';
import { type ForwardOptions, forwardSrs } from '../../../src/srs/forward.ts';
import { readSrs, reverseSrs } from '../../../src/srs/reverse.ts';

const DAY_MS = 86_400_000;
const nowMs = Date.parse('2026-11-25T12:00:00Z');
const options: ForwardOptions = {
  domain: 'forwarder.example',
  own: ['own.example'],
  secrets: ['first', 'former'],
  nowMs,
  separator: '=',
  hashLength: 4,
};
const back = { secrets: ['first', 'former'], nowMs, maxAgeDays: 21, minHashLength: 4 };

test('a sender goes out and comes back, once, twice and three times', () => {
  const once = forwardSrs('joe@example.net', options).address;
  expect(once).toMatch(/^SRS0=[\w+/]{4}=JO=example\.net=joe@forwarder\.example$/);
  const twice = forwardSrs(once, { ...options, domain: 'second.example' }).address;
  const thrice = forwardSrs(twice, { ...options, domain: 'third.example' }).address;
  expect(thrice.length).toBeLessThanOrEqual(twice.length);
  const reversed = reverseSrs(thrice, back);
  expect(reversed).toMatchObject({ kind: 'srs1', verified: true, next: once, original: 'joe@example.net' });
  expect(reverseSrs(once, back)).toMatchObject({ verified: true, next: 'joe@example.net', ageDays: 0 });
});

test.for<[sender: string, reason: string]>([
  ['', 'Bounces'],
  ['<>', 'Bounces'],
  ['joe@forwarder.example', 'your own'],
  ['joe@OWN.example', 'your own'],
])('%j stays as it is', ([sender, reason]) => {
  expect(forwardSrs(sender, options)).toMatchObject({
    kind: 'unchanged',
    reason: expect.stringContaining(reason),
  });
});

test.for<[sender: string, message: string]>([
  ['jö@example.net', 'beyond ASCII'],
  ['joe', 'no mail address'],
  ['joe@', 'no mail address'],
  ['j\u0000e@example.net', 'none'],
  ['a b@example.net', 'no mail address'],
  ['SRS0=x@example.net', 'not what SRS writes'],
  ['SRS1=abcd@example.net', 'not what SRS writes'],
  ['SRS1=abcd=host.example@example.net', 'not what SRS writes'],
  ['SRS0=abcd=JO=a b=joe@example.net', 'no mail address'],
])('%j is an error in one sentence', ([sender, message]) => {
  expect(() => forwardSrs(sender, options)).toThrow(AppError);
  expect(() => forwardSrs(sender, options)).toThrow(message);
});

test('a domain in its own script is rewritten in A-labels', () => {
  expect(forwardSrs('joe@bücher.example', options).address).toContain('=xn--bcher-kva.example=joe@');
});

test('a quoted mailbox stays one', () => {
  const { address } = forwardSrs('"jo \\"e\\""@example.net', options);
  expect(address).toMatch(/^"SRS0=.*=jo \\"e\\""@forwarder\.example$/);
  expect(reverseSrs(address, back)).toMatchObject({ verified: true, next: '"jo \\"e\\""@example.net' });
});

test('a local part over 64 octets is told', () => {
  expect(forwardSrs(`${'j'.repeat(30)}@example.net`, options)).toMatchObject({ tooLong: false });
  expect(forwardSrs(`${'j'.repeat(50)}@example.net`, options)).toMatchObject({ tooLong: true });
});

test.for([
  ['today', 0, { verified: true }],
  ['the last day that counts', 21, { verified: true, ageDays: 21 }],
  ['a day more', 22, { verified: false, refusal: 'expired' }],
  ['tomorrow', -1, { verified: false, refusal: 'future' }],
] as const)('%s', ([, days, expected]) => {
  const { address } = forwardSrs('joe@example.net', options);
  expect(reverseSrs(address, { ...back, nowMs: nowMs + days * DAY_MS })).toMatchObject(expected);
});

test('former secrets count for the way back, others do not', () => {
  const { address } = forwardSrs('joe@example.net', { ...options, secrets: ['former'] });
  expect(reverseSrs(address, back)).toMatchObject({ verified: true, secret: 1 });
  expect(reverseSrs(address, { ...back, secrets: ['first'] })).toMatchObject({
    verified: false,
    refusal: 'hash',
  });
});

test('a hash that is cut off counts only as far as is demanded', () => {
  const { address } = forwardSrs('joe@example.net', { ...options, hashLength: 8 });
  const short = address.replace(/^(SRS0=.{3}).{5}/, '$1');
  expect(reverseSrs(address, back)).toMatchObject({ verified: true });
  expect(reverseSrs(short, back)).toMatchObject({ verified: false, refusal: 'short-hash' });
  expect(reverseSrs(short, { ...back, minHashLength: 3 })).toMatchObject({ verified: true });
});

test('an address that lost its case is taken, and that is told', () => {
  const { address } = forwardSrs('joe@example.net', options);
  expect(reverseSrs(address, back)).toMatchObject({ verified: true, caseChanged: false });
  expect(reverseSrs(address.toLowerCase(), back)).toMatchObject({ verified: true, caseChanged: true });
});

test('an address can be read without a secret', () => {
  expect(readSrs('SRS1=zKiQ=first.example==QXbV=JO=example.org=joe@second.example', nowMs)).toEqual({
    kind: 'srs1',
    next: 'SRS0=QXbV=JO=example.org=joe@first.example',
    original: 'joe@example.org',
    ageDays: 0,
  });
  expect(readSrs('srs1+zKiQ=first.example=+made-up@second.example', nowMs)).toMatchObject({ original: null });
  expect(() => readSrs('joe@example.org', nowMs)).toThrow('not one that SRS has rewritten');
});

test('whatever stands before the @, changing any one character of the result is refused', () => {
  const atom = fc.stringMatching(/^[a-z0-9!#$%&'*+/=?^_`{|}~.-]{1,40}$/);
  fc.assert(
    fc.property(atom, fc.nat(), (local, place) => {
      fc.pre(!/^srs[01][-+=]/i.test(local) && !/^\.|\.\.|\.$/.test(local));
      const { address } = forwardSrs(`${local}@example.net`, { ...options, hashLength: 12 });
      expect(reverseSrs(address, back)).toMatchObject({ verified: true, next: `${local}@example.net` });
      const at = 5 + (place % (address.indexOf('@') - 5));
      const other = address[at] === 'x' ? 'y' : 'x';
      const changed = address.slice(0, at) + other + address.slice(at + 1);
      if (changed.toLowerCase() === address.toLowerCase()) return;
      try {
        expect(reverseSrs(changed, back)).toMatchObject({ verified: false });
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
      }
    }),
  );
});

test('whatever is given, there is an answer or an error in one sentence', () => {
  const address = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 80 }),
    fc
      .tuple(fc.constantFrom('SRS0', 'srs1', '"SRS0'), fc.string({ maxLength: 60 }))
      .map(([tag, rest]) => `${tag}=${rest}@example.net`),
  );
  fc.assert(
    fc.property(address, (text) => {
      for (const work of [
        () => forwardSrs(text, options),
        () => reverseSrs(text, back),
        () => readSrs(text, nowMs),
      ]) {
        try {
          work();
        } catch (error) {
          if (!(error instanceof AppError)) throw error;
        }
      }
    }),
    { numRuns: 200 },
  );
});
