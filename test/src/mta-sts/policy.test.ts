import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { covers, parsePolicy } from '../../../src/mta-sts/policy.ts';

const GOOD = 'version: STSv1\nmode: enforce\nmx: mx1.example.com\nmx: *.example.net\nmax_age: 604800\n';
const POLICY = { mode: 'enforce', maxAgeSeconds: 604_800, mx: ['mx1.example.com', '*.example.net'] };

/** A good policy with one change. */
function but(from: string | RegExp, to: string): string {
  return GOOD.replace(from, to);
}

describe('a policy', () => {
  test.for([
    ['as in the RFC', GOOD],
    ['with CRLF', GOOD.replaceAll('\n', '\r\n')],
    ['with both line ends', but('\n', '\r\n')],
    ['without a last line end', GOOD.trimEnd()],
    ['without spaces', GOOD.replaceAll(': ', ':')],
    ['with spaces and tabs around values', but('mode: enforce', 'mode:\t enforce \t')],
    ['with unknown keys', `${GOOD}future.key_1: some value: more\nx: 1\n`],
    ['with an unknown key in UTF-8', `${GOOD}note: später\n`],
    ['with names in upper case', but('mx1.example.com', 'MX1.Example.COM')],
  ] as const)('%s is read', ([, text]) => {
    expect(parsePolicy(text)).toEqual({ policy: POLICY, oddities: [] });
  });

  test.for([
    ['mode: none without mx', 'version: STSv1\nmode: none\nmax_age: 86400\n', 'none', 86_400],
    ['mode: testing', but('enforce', 'testing'), 'testing', 604_800],
    ['max_age 0', but('604800', '0'), 'enforce', 0],
    ['the longest max_age', but('604800', '31557600'), 'enforce', 31_557_600],
  ] as const)('%s is read', ([, text, mode, maxAgeSeconds]) => {
    expect(parsePolicy(text)).toMatchObject({ policy: { mode, maxAgeSeconds }, oddities: [] });
  });

  test.for([
    ['mode', `${GOOD}mode: none\n`, /mode is there 2 times; the first one counts/],
    ['max_age', `${GOOD}max_age: 1\n`, /max_age is there 2 times/],
    ['version', `${GOOD}version: STSv2\n`, /version is there 2 times/],
    ['an mx', `${GOOD}mx: MX1.example.com\n`, /An mx is there more than once/],
    ['an empty line', `${GOOD}\n`, /empty lines/],
    ['a dot at the end', but('mx1.example.com', 'mx1.example.com.'), /ends in a dot/],
  ] as const)('%s too much changes nothing and is told', ([, text, oddity]) => {
    expect(parsePolicy(text)).toEqual({ policy: POLICY, oddities: [expect.stringMatching(oddity)] });
  });

  test.for([
    ['nothing', '', /it is empty/],
    ['a web page', '<!doctype html>\n<p>Parked', /line 1 is not 'key: value'/],
    [
      'mode first',
      'mode: enforce\nversion: STSv1\nmx: a.test\nmax_age: 1\n',
      /does not begin with its version/,
    ],
    ['another version', but('STSv1', 'STSv2'), /version is not STSv1/],
    ['the version in lower case', but('STSv1', 'stsv1'), /version is not STSv1/],
    ['no mode', but(/mode.*\n/, ''), /has no mode/],
    ['an unknown mode', but('enforce', 'report'), /mode is none of/],
    ['the mode in upper case', but('enforce', 'Enforce'), /mode is none of/],
    ['no max_age', but(/max_age.*\n/, ''), /has no max_age/],
    ['a max_age over a year', but('604800', '31557601'), /max_age is not/],
    ['a max_age with a unit', but('604800', '7d'), /max_age is not/],
    ['a negative max_age', but('604800', '-1'), /max_age is not/],
    ['an endless max_age', but('604800', '9'.repeat(400)), /max_age is not/],
    ['no max_age value', but('604800', ''), /max_age is not/],
    ['no mx', GOOD.replaceAll(/mx:.*\n/g, ''), /has no mx/],
    ['an empty mx', but('mx1.example.com', ''), /an mx in it is empty/],
    ['an mx of the old drafts', but('mx1.example.com', '.example.com'), /an mx in it has an empty label/],
    ['a wildcard inside a label', but('*.example', 'mx*.example'), /an mx in it has characters/],
    ['two wildcards', but('*.example', '*.*.example'), /an mx in it has characters/],
    ['a wildcard alone', but('*.example.net', '*'), /an mx in it has characters/],
    ['an address as mx', but('mx1.example.com', '192.0.2.1'), /an mx in it is an IP address/],
    ['an mx in U-labels', but('mx1.example.com', 'mx.bücher.example'), /not written in ASCII/],
    ['several mx in a line', but('mx1.example.com', 'a.test, b.test'), /an mx in it has spaces/],
    ['an indented line', but('mode', ' mode'), /line 2 is not/],
    ['a key in quotes', but('mode', '"mode"'), /line 2 is not/],
    ['a comment', `${GOOD}# ours\n`, /line 6 is not/],
    ['a byte order mark', `\ufeff${GOOD}`, /byte order mark/],
    ['a bare CR', but('\n', '\r'), /line 1 has control characters/],
    ['an escape', but('enforce', 'enforce\u001b[2J'), /line 2 has control characters/],
    ['keys in upper case', but('mode', 'Mode'), /has no mode/],
  ] as const)('with %s is none', ([, text, error]) => {
    expect(parsePolicy(text)).toMatchObject({ error: expect.stringMatching(error) });
  });

  test('of any text is read without an exception', () => {
    const line = fc.oneof(fc.string(), fc.constantFrom(...GOOD.split('\n')));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
        const parsed = parsePolicy(lines.join('\n'));
        if ('error' in parsed) expect(parsed.line?.length ?? 0).toBeLessThanOrEqual(200);
        else expect(parsed.policy.maxAgeSeconds).toBeLessThanOrEqual(31_557_600);
      }),
    );
  });
});

test.for([
  ['mx1.example.com', true],
  ['MX1.EXAMPLE.com.', true],
  ['mx2.example.com', false],
  ['a.mx1.example.com', false],
  ['any.example.net', true],
  ['a.b.example.net', false],
  ['example.net', false],
  ['.example.net', false],
  ['anyexample.net', false],
  ['', false],
] as const)('the policy on %s: %s', ([host, expected]) => {
  expect(covers(POLICY, host)).toBe(expected);
});
