import { AppError, ExitCode } from '../../errors.ts';
import type { Client } from '../client.ts';

/** Longest prefix for which there is a pattern: what follows may be written as an IPv4 address (RFC 4291 §2.2). */
const MOST_BITS = 96;

const GROUP = '[0-9a-f]{1,4}';
const DOTTED = '\\d{1,3}(?:\\.\\d{1,3}){3}';

/** A group of which the last digits do not count; what is nought is captured as nothing. */
function group(lost: number): string {
  if (lost === 0) return '(?:0|([0-9a-f]{1,4}))';
  return `(?:([0-9a-f]{1,${4 - lost}})[0-9a-f]{${lost}}|[0-9a-f]{1,${lost}})`;
}

function repeated(count: number, one: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => one(index)).join('');
}

/** So many groups, the last two of which may be an IPv4 address. */
function exactly(count: number): string {
  const before = (groups: number) => (groups === 0 ? '' : `(?:${GROUP}:){${groups}}`);
  return `(?:${before(count - 1)}${GROUP}|${before(count - 2)}${DOTTED})$`;
}

/**
 * A pattern (PCRE) that captures from an address, as Apache writes it, what tells one client from another: of IPv6
 * group by group, each in a capture of its own. Groups that "::" stands for are captured as nothing, as are those that
 * are 0, so every spelling of a prefix gives the same.
 *
 * @param bits  of an IPv6 address that make one client, a whole number of hexadecimal digits
 * @throws AppError E_PREFIX (exit 64)
 */
export function clientPattern(bits: number): string {
  if (bits % 4 !== 0 || bits < 4 || bits > MOST_BITS) {
    throw new AppError(`Apache cannot look up IPv6 networks of ${bits} bits.`, {
      code: 'E_PREFIX',
      exit: ExitCode.usage,
      hint: 'Start the service with an --ipv6-prefix that is a multiple of 4 and at most 96, such as 64.',
    });
  }
  const counted = Math.ceil(bits / 16);
  const one = (index: number) => group(index === counted - 1 ? (counted * 16 - bits) / 4 : 0);
  const branches = [`(${DOTTED})$`, `::ffff:(${DOTTED})$`, repeated(counted, (index) => `${one(index)}:`)];
  for (let left = 0; left < counted; left += 1) {
    const before = repeated(left, (index) => `${one(index)}${index === left - 1 ? '' : ':'}`);
    // The more groups after the gap are counted, the more of them there have to be.
    for (let right = counted - 1 - left; right >= 0; right -= 1) {
      const zeros = '()'.repeat(counted - left - right);
      const after = repeated(right, (index) => `${one(counted - right + index)}:`);
      branches.push(`${before}::${zeros}${after}${right === 0 ? '' : exactly(8 - counted)}`);
    }
  }
  return `^(?|${branches.join('|')})`;
}

/** What stands for the captures of {@link clientPattern} in a key. */
export function capturedKey(bits: number): string {
  return Array.from({ length: Math.ceil(bits / 16) }, (_, index) => `%${index + 1}`).join(':');
}

/** The key under which {@link clientPattern} finds a client. */
export function clientKey({ words }: Pick<Client, 'words'>, bits: number): string {
  const [first, second, third, fourth] = words;
  const counted = Math.ceil(bits / 16);
  if (first === 0 && second === 0 && third === 0xffff) {
    const address = [fourth >>> 24, (fourth >>> 16) & 255, (fourth >>> 8) & 255, fourth & 255].join('.');
    return `${address}${':'.repeat(counted - 1)}`;
  }
  const lost = (counted * 16 - bits) / 4;
  const groups = words.flatMap((word) => [word >>> 16, word & 0xffff]).slice(0, counted);
  const keys = groups.map((value, index) => (index === counted - 1 ? value >>> (lost * 4) : value));
  return keys.map((value) => (value === 0 ? '' : value.toString(16))).join(':');
}
