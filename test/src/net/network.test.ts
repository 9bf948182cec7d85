import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatAddress, parseAddress, readIPv4 } from '../../../src/net/address.ts';
import { holds, holdsIPv4, parseNetwork } from '../../../src/net/network.ts';

test('an IPv4 address as a number lies in the networks in which its text lies', () => {
  const bytes = fc.uint8Array({ minLength: 4, maxLength: 4 });
  fc.assert(
    fc.property(bytes, bytes, fc.nat(32), fc.nat(32), (one, other, bits, same) => {
      // The first bits are often the same, or hardly any network would hold anything.
      const mixed = one.map((byte, at) => (at * 8 < same ? byte : (other[at] ?? 0)));
      const network = parseNetwork(`${formatAddress(one)}/${bits}`);
      const text = formatAddress(mixed);
      if (network === null) throw new Error('no network');
      expect(holdsIPv4(network, readIPv4(text) ?? -1)).toBe(holds(network, parseAddress(text)));
    }),
  );
});

test('a network of IPv6 holds no IPv4 address', () => {
  const network = parseNetwork('::/0');
  expect(network && holdsIPv4(network, 0)).toBe(false);
});
