import { isIP } from 'node:net';
import { domainToASCII, domainToUnicode } from 'node:url';
import { parseAddress } from '../net/address.ts';

/** What a text is as a domain name. */
export type DomainName =
  | {
      readonly kind: 'name';
      /** A-labels, lower case, without the final dot: what DNS, SNI and policies use. */
      readonly ascii: string;
      /** U-labels, for people; the same text where there is no IDN. */
      readonly unicode: string;
    }
  /** `reason` goes on after the text: `"a..b" has an empty label`. */
  | { readonly kind: 'invalid'; readonly reason: string };

export type DomainOptions = {
  /** Allow `_` as in `_dmarc.example.org`; host names have none. */
  readonly underscores?: boolean;
};

/** RFC 3490 §3.1: what people's keyboards give for a dot. */
const DOTS = /[.\u3002\uff0e\uff61]/;

/**
 * Read a domain name as a person writes it: any case, U-labels or A-labels, one final dot allowed. U-labels
 * are converted by UTS 46 non-transitional (RFC 5891, as browsers do it).
 */
export function parseDomain(text: string, options: DomainOptions = {}): DomainName {
  const mistake = mistakeOf(text);
  if (mistake !== null) return invalid(mistake);
  const trimmed = DOTS.test(text.slice(-1)) ? text.slice(0, -1) : text;
  if (trimmed === '') return invalid('is empty');
  const ascii = toAscii(trimmed);
  if (ascii === null) return invalid('cannot be converted to an internationalized domain name');
  const fault = faultOf(ascii, options.underscores === true);
  if (fault !== null) return invalid(fault);
  // What an A-label that is none decodes to is not worth showing.
  return { kind: 'name', ascii, unicode: ascii.includes('xn--') ? domainToUnicode(ascii) || ascii : ascii };
}

function invalid(reason: string): DomainName {
  return { kind: 'invalid', reason };
}

/** Things people paste instead of a domain. */
function mistakeOf(text: string): string | null {
  if (text.length > 1024) return 'is too long';
  if (/[\0-\x1f\x7f-\x9f]/.test(text)) return 'has control characters';
  if (/\s/.test(text)) return 'has spaces';
  if (text.includes('://')) return 'is a URL; give the domain alone';
  if (text.includes('@')) return 'is a mail address; give the part behind the @';
  // Most names are seen at a glance to be none, and the first `isIP` of a process takes 8 ms.
  if (/^[[\d]|:/.test(text) && isIP(text.replace(/^\[|\]$/g, '')) !== 0) return 'is an IP address';
  return null;
}

function toAscii(text: string): string | null {
  const labels = text.split(DOTS);
  // `domainToASCII` reads a host of a URL: it undoes %41 and calls 0x7f.1 an address. Plain ASCII needs
  // no conversion, and what it makes of the rest has to pass the same rules.
  if (labels.every((label) => /^[\x21-\x7e]*$/.test(label))) return labels.join('.').toLowerCase();
  if (labels.includes('')) return labels.join('.');
  if (/[^a-z0-9_.\u0080-\u{10ffff}-]/iu.test(text)) return null;
  const ascii = domainToASCII(text);
  return ascii === '' ? null : ascii;
}

/** Labels by RFC 1123 §2.1; lengths by RFC 1035 §2.3.4. */
function faultOf(ascii: string, underscores: boolean): string | null {
  const labels = ascii.split('.');
  if (labels.includes('')) return 'has an empty label';
  if (ascii.length > 253) return 'is longer than 253 characters';
  if (labels.some((label) => label.length > 63)) return 'has a label longer than 63 characters';
  if (/[^a-z0-9._-]/.test(ascii)) return 'has characters that no domain name has';
  if (!underscores && ascii.includes('_')) return 'has an underscore, which no host name has';
  if (labels.some((label) => label.startsWith('-') || label.endsWith('-')))
    return 'has a label that begins or ends with a hyphen';
  // RFC 1123 §2.1: the last label is never a number, or a host name could be taken for an address.
  if (/^(\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? '')) return 'ends in a number';
  return null;
}

/** @returns the name that holds the PTR record of an address (RFC 1035 §3.5, RFC 3596 §2.5), else null */
export function reverseName(ip: string): string | null {
  const address = parseAddress(ip);
  if (address === null) return null;
  if (address.family === 4) return `${[...address.bytes].reverse().join('.')}.in-addr.arpa`;
  const nibbles = [...Buffer.from(address.bytes).toString('hex')];
  return `${nibbles.reverse().join('.')}.ip6.arpa`;
}

/**
 * Whether a name can be asked: labels of 1 to 63 printable ASCII characters, 253 in all, no escapes.
 *
 * @param name  lower case, without the final dot
 */
export function isAskable(name: string): boolean {
  if (name === '.') return true;
  if (name.length > 253 || !/^[\x21-\x7e]+$/.test(name) || name.includes('\\')) return false;
  return name.split('.').every((label) => label.length >= 1 && label.length <= 63);
}
