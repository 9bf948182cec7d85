import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDomain, reverseName } from '../../../src/dns/names.ts';

describe('a domain name', () => {
  test.for([
    ['Example.ORG', 'example.org', 'example.org'],
    ['example.org.', 'example.org', 'example.org'],
    ['localhost', 'localhost', 'localhost'],
    ['bücher.example', 'xn--bcher-kva.example', 'bücher.example'],
    ['BÜCHER。Example', 'xn--bcher-kva.example', 'bücher.example'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example', 'bücher.example'],
    ['faß.example', 'xn--fa-hia.example', 'faß.example'], // UTS 46 non-transitional keeps ß
    ['ｅｘａｍｐｌｅ．ｏｒｇ', 'example.org', 'example.org'],
    ['x\u00ad.example', 'x.example', 'x.example'],
    ['a--b.example', 'a--b.example', 'a--b.example'],
    ['3com.example', '3com.example', '3com.example'],
    [`${'a'.repeat(63)}.example`, `${'a'.repeat(63)}.example`, `${'a'.repeat(63)}.example`],
  ] as const)('%s is %s', ([text, ascii, unicode]) => {
    expect(parseDomain(text)).toEqual({ kind: 'name', ascii, unicode });
  });

  test.for([
    ['', 'empty'],
    ['.', 'empty'],
    ['a..b', 'empty label'],
    ['.a', 'empty label'],
    ['a.b..', 'empty label'],
    ['ü..b', 'empty label'],
    [`${'a'.repeat(64)}.example`, '63'],
    [`${'é'.repeat(60)}.example`, '63'],
    [`${'a.'.repeat(127)}a`, '253'],
    ['a b.example', 'spaces'],
    ['a\u00a0b.example', 'spaces'],
    ['a\x00b.example', 'control'],
    ['a\x1b[31m.example', 'control'],
    ['a\x9b.example', 'control'],
    ['https://example.org/', 'URL'],
    ['postmaster@example.org', '@'],
    ['192.0.2.1', 'IP address'],
    ['[2001:db8::1]', 'IP address'],
    ['127.1', 'number'],
    ['0x7f.0x1', 'number'],
    ['１２7.１', 'number'],
    ['é.%41', 'converted'],
    ['a\u200cb.example', 'converted'],
    ['*.example', 'characters'],
    ['a/b.example', 'characters'],
    ['a:25', 'characters'],
    ['_dmarc.example', 'underscore'],
    ['-a.example', 'hyphen'],
    ['a-.example', 'hyphen'],
    ['x'.repeat(2000), 'too long'],
  ] as const)('%j is none: %s', ([text, reason]) => {
    expect(parseDomain(text)).toEqual({ kind: 'invalid', reason: expect.stringContaining(reason) });
  });

  test('has underscores where they are allowed', () => {
    const options = { underscores: true };
    expect(parseDomain('_DMARC.example', options)).toMatchObject({ kind: 'name', ascii: '_dmarc.example' });
    expect(parseDomain('_dmarc.bücher.example', options)).toMatchObject({
      ascii: '_dmarc.xn--bcher-kva.example',
    });
  });

  test('stays what it is when read again, whatever the text', () => {
    void fc.assert(
      fc.property(fc.oneof(fc.domain(), fc.string({ unit: 'binary' })), (text) => {
        const name = parseDomain(text);
        if (name.kind === 'invalid') return;
        expect(name.ascii).toMatch(/^[a-z0-9.-]{1,253}$/);
        expect(parseDomain(name.ascii)).toMatchObject({ kind: 'name', ascii: name.ascii });
      }),
    );
  });
});

describe('the reverse name', () => {
  test.for([
    ['192.0.2.1', '1.2.0.192.in-addr.arpa'],
    ['2001:db8::1', '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa'],
    ['example.org', null],
  ] as const)('of %s is %s', ([ip, expected]) => {
    expect(reverseName(ip)).toBe(expected);
  });
});
