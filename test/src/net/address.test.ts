import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressClass, canonicalAddress, parseAddress } from '../../../src/net/address.ts';

describe('the class of an address', () => {
  test.for([
    ['8.8.8.8', 'public'],
    ['0.0.0.0', 'unspecified'],
    ['0.1.2.3', 'reserved'],
    ['10.0.0.1', 'private'],
    ['11.0.0.1', 'public'],
    ['100.63.255.255', 'public'],
    ['100.64.0.0', 'reserved'],
    ['100.127.255.255', 'reserved'],
    ['100.128.0.0', 'public'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['169.254.169.254', 'link-local'],
    ['172.15.255.255', 'public'],
    ['172.16.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['172.32.0.0', 'public'],
    ['192.0.0.8', 'reserved'],
    ['192.0.1.1', 'public'],
    ['192.0.2.1', 'documentation'],
    ['192.88.99.1', 'reserved'],
    ['192.168.1.1', 'private'],
    ['198.17.255.255', 'public'],
    ['198.18.0.1', 'reserved'],
    ['198.19.255.255', 'reserved'],
    ['198.51.100.7', 'documentation'],
    ['203.0.113.9', 'documentation'],
    ['224.0.0.1', 'multicast'],
    ['239.255.255.255', 'multicast'],
    ['240.0.0.1', 'reserved'],
    ['255.255.255.255', 'reserved'],
    ['::', 'unspecified'],
    ['::1', 'loopback'],
    ['::2', 'reserved'],
    ['::192.0.2.1', 'reserved'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['::ffff:8.8.8.8', 'public'],
    ['::ffff:a00:1', 'private'],
    ['64:ff9b::10.0.0.1', 'private'],
    ['64:ff9b::808:808', 'public'],
    ['64:ff9b:1::1', 'reserved'],
    ['100::1', 'reserved'],
    ['2001::1', 'reserved'],
    ['2001:1ff:ffff::1', 'reserved'],
    ['2001:200::1', 'public'],
    ['2001:db8::1', 'documentation'],
    ['2001:db9::1', 'public'],
    ['2002:7f00:1::1', 'loopback'],
    ['2002:808:808::1', 'public'],
    ['2a00:1450::1', 'public'],
    ['3fff::1', 'documentation'],
    ['3fff:fff:ffff::1', 'documentation'],
    ['3fff:1000::1', 'public'],
    ['4000::1', 'reserved'],
    ['5f00::1', 'reserved'],
    ['fc00::1', 'private'],
    ['fdff::1', 'private'],
    ['fe80::1%eth0', 'link-local'],
    ['febf::1', 'link-local'],
    ['fec0::1', 'reserved'],
    ['ff02::1', 'multicast'],
  ] as const)('%s is %s', ([text, expected]) => {
    expect(addressClass(text)).toBe(expected);
  });

  test.for(['', 'mx.test', '1.2.3', '01.2.3.4', '[::1]', '1.2.3.4:25', '10.0.0.0/8'])(
    '%j has none',
    (text) => {
      expect(addressClass(text)).toBeNull();
      expect(parseAddress(text)).toBeNull();
    },
  );
});

describe('the one spelling of an address (RFC 5952)', () => {
  test.for([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['1::', '1::'],
    ['::ffff:c000:201', '::ffff:192.0.2.1'],
    ['FE80::1%eth0', 'fe80::1%eth0'],
  ] as const)('%s is written %s', ([text, expected]) => {
    expect(canonicalAddress(text)).toBe(expected);
  });

  test('is an address again, and the same one', () => {
    void fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        const once = parseAddress(text);
        const twice = parseAddress(once?.text ?? '');
        expect(isIP(once?.text ?? '')).toBe(isIP(text));
        expect(twice?.bytes).toEqual(once?.bytes);
        expect(twice?.text).toBe(once?.text);
      }),
    );
  });

  test('agrees with what a URL makes of it', () => {
    void fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const shown = canonicalAddress(text) ?? '';
        expect(new URL(`http://[${shown}]/`).hostname).toBe(new URL(`http://[${text}]/`).hostname);
      }),
    );
  });
});

describe('what is an address', () => {
  const near = fc.oneof(
    fc.string({ unit: fc.constantFrom(...'0123456789abcF:./%g '), maxLength: 24 }),
    fc
      .array(fc.integer({ min: -1, max: 300 }), { minLength: 3, maxLength: 5 })
      .map((parts) => parts.join('.')),
    fc
      .array(fc.constantFrom('0', '00', '7', '01', '255', '256', ''), { minLength: 4, maxLength: 4 })
      .map((parts) => parts.join('.')),
    fc.tuple(fc.ipV6(), fc.constantFrom('', ':', '%eth0', '.1', ' ')).map((parts) => parts.join('')),
  );

  test('is what Node takes for one, of the same family', () => {
    void fc.assert(
      fc.property(near, (text) => {
        expect(parseAddress(text)?.family ?? 0).toBe(isIP(text));
        expect(addressClass(text) === null).toBe(isIP(text) === 0);
      }),
      { numRuns: 2000 },
    );
  });
});
