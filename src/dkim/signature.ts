import { domainToASCII } from 'node:url';
import { bodyOf, type RawField } from './fields.ts';
import { readTags, type TagList, withoutWhite } from './tags.ts';
import type { Canonicalization, SignatureTags } from './types.ts';

/** LDH and underscores, which selectors in the wild have (RFC 6376 §3.1 has none). */
const NAME = /^(?!-)[A-Za-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[A-Za-z0-9_-]{1,63}(?<!-))*$/;
/** Longer than any name, U-labels included. */
const MAX_NAME = 1000;
const NUMBER = /^[0-9]+$/;
const REQUIRED = ['v', 'a', 'b', 'bh', 'd', 'h', 's'] as const;

/** Largest time that a `Date` holds, in seconds; later ones are taken as that. */
const MAX_SECONDS = 8_640_000_000_000;

/** Read a DKIM-Signature field (RFC 6376 §3.5). Never throws: what is wrong stands in `faults`. */
export function readSignature(field: RawField): SignatureTags {
  return signatureOf(readTags(bodyOf(field)));
}

/** The same from the tag list that it is. */
export function signatureOf({ tags, faults: listFaults }: TagList): SignatureTags {
  const faults: string[] = [];
  for (const fault of listFaults) faults.push(fault);
  addMissing(tags, faults);
  const domain = nameOf(tags.get('d'));
  const selector = nameOf(tags.get('s'));
  if (tags.has('v') && tags.get('v') !== '1') faults.push('its version is not 1');
  return {
    domain: domain.name,
    selector: selector.name,
    algorithm: tags.get('a')?.toLowerCase() ?? null,
    canonicalization: canonicalizationOf(tags.get('c')),
    headers: headersOf(tags.get('h')),
    bodyLength: numberOf(tags.get('l')),
    identity: identityOf(tags.get('i'), domain.name),
    signedAtMs: instantOf(tags.get('t')),
    expiresAtMs: instantOf(tags.get('x')),
    bodyHash: textOf(tags.get('bh')),
    signature: textOf(tags.get('b')),
    badName: domain.bad || selector.bad,
    faults,
  };
}

function addMissing(tags: ReadonlyMap<string, string>, faults: string[]): void {
  for (const name of REQUIRED) if (!tags.has(name)) faults.push(`the tag ${name} is missing`);
}

/** RFC 8616 §4: U-labels are compared and looked up as A-labels. */
function nameOf(value: string | undefined): { readonly name: string | null; readonly bad: boolean } {
  if (!value) return { name: null, bad: false };
  const isAscii = !/[^\0-\x7f]/.test(value);
  const written = isAscii ? value : Buffer.from(value, 'latin1').toString('utf8');
  if (written.length > MAX_NAME) return { name: written, bad: true };
  const ascii = isAscii ? written : domainToASCII(written);
  const name = ascii.toLowerCase().replace(/\.$/, '');
  return NAME.test(name) && name.length <= 253 ? { name, bad: false } : { name: written, bad: true };
}

function canonicalizationOf(value: string | undefined): SignatureTags['canonicalization'] {
  const [header = 'simple', body = 'simple', ...rest] = withoutWhite(value ?? 'simple')
    .toLowerCase()
    .split('/');
  if (!isCanonicalization(header) || !isCanonicalization(body) || rest.length > 0) return null;
  return { header, body };
}

function isCanonicalization(text: string): text is Canonicalization {
  return text === 'simple' || text === 'relaxed';
}

function headersOf(value: string | undefined): string[] {
  const names: string[] = [];
  for (const name of withoutWhite(value ?? '')
    .toLowerCase()
    .split(':'))
    if (name !== '') names.push(name);
  return names;
}

function numberOf(value: string | undefined): number | null {
  return value !== undefined && NUMBER.test(value) ? Number(value) : null;
}

function instantOf(value: string | undefined): number | null {
  const seconds = numberOf(value);
  return seconds === null ? null : Math.min(seconds, MAX_SECONDS) * 1000;
}

function textOf(value: string | undefined): string | null {
  return value === undefined ? null : withoutWhite(value);
}

/** RFC 6376 §3.5: `i=` is quoted-printable; without it, `@` and `d=`. */
function identityOf(value: string | undefined, domain: string | null): string | null {
  if (value === undefined) return domain === null ? null : `@${domain}`;
  const bytes = withoutWhite(value).replace(/=([0-9A-F]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

/** The domain of an identity, lower-case A-labels; null when it has none. */
export function identityDomain(identity: string): string | null {
  const at = identity.lastIndexOf('@');
  return at === -1 ? null : nameOf(Buffer.from(identity.slice(at + 1)).toString('latin1')).name;
}
