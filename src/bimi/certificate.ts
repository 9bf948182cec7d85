import { hash } from 'node:crypto';
import {
  bitsOf,
  booleanOf,
  Cursor,
  childrenOf,
  context,
  countOf,
  type Der,
  DerFault,
  inner,
  oidOf,
  readDer,
  TAG,
  timeOf,
} from './der.ts';

/** A name, so that two of them can be compared (RFC 5280 §7.1), and read. */
export type Name = {
  /** The same for names that are the same: relative names in order, each with type and folded text. */
  readonly key: string;
  /** The relative names one by one, for directory name constraints. */
  readonly parts: readonly string[];
  /** By object identifier, the last one of each; as written. */
  readonly attributes: ReadonlyMap<string, string>;
};

/** GeneralName (RFC 5280 §4.2.1.6), of the kinds that constraints are about. */
export type GeneralName =
  | { readonly kind: 'dns' | 'email' | 'uri'; readonly value: string }
  | { readonly kind: 'directory'; readonly name: Name }
  /** An address, or in a constraint address and mask. */
  | { readonly kind: 'ip'; readonly bytes: Buffer }
  | { readonly kind: 'other'; readonly tag: number };

export type NameConstraints = {
  readonly permitted: readonly GeneralName[];
  readonly excluded: readonly GeneralName[];
};

export type Policies = readonly string[];

/** An X.509 certificate, as far as paths and marks need it. Extensions are read strictly. */
export type Certificate = {
  readonly der: Buffer;
  readonly sha256: string;
  readonly version: number;
  readonly serial: string;
  readonly issuer: Name;
  readonly subject: Name;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** SubjectPublicKeyInfo, whole. */
  readonly publicKey: Buffer;
  /** What is signed, and with what. */
  readonly signed: Buffer;
  readonly algorithm: string;
  readonly signature: Buffer;
  /** null without the extension. */
  readonly basicConstraints: { readonly ca: boolean; readonly pathLength: number | null } | null;
  readonly keyUsage: { readonly certSign: boolean; readonly crlSign: boolean } | null;
  readonly extendedKeyUsage: readonly string[] | null;
  readonly names: readonly GeneralName[];
  readonly constraints: NameConstraints | null;
  readonly policies: Policies | null;
  readonly policyMappings: readonly (readonly [issuer: string, subject: string])[];
  readonly policyConstraints: {
    readonly explicit: number | null;
    readonly inhibitMapping: number | null;
  } | null;
  readonly inhibitAnyPolicy: number | null;
  /** Where its revocation is told. */
  readonly crlUrls: readonly string[];
  /** Signed certificate timestamps in it (RFC 6962 §3.3). */
  readonly timestamps: number;
  /** The logotype extension, unread; null without. */
  readonly logotype: Buffer | null;
  /** Object identifiers of critical extensions that nobody here understands. */
  readonly unknownCritical: readonly string[];
};

const OID = {
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  crlDistributionPoints: '2.5.29.31',
  certificatePolicies: '2.5.29.32',
  policyMappings: '2.5.29.33',
  policyConstraints: '2.5.29.36',
  extendedKeyUsage: '2.5.29.37',
  inhibitAnyPolicy: '2.5.29.54',
  timestamps: '1.3.6.1.4.1.11129.2.4.2',
  logotype: '1.3.6.1.5.5.7.1.12',
  /** Says that a Mark Certificate was issued while its kind was on trial; nothing follows from it. */
  pilot: '1.3.6.1.4.1.53087.4.1',
} as const;

/** Extensions whose rules are applied; another one that is critical ends it (RFC 5280 §4.2). */
const UNDERSTOOD = new Set<string>([
  OID.keyUsage,
  OID.subjectAltName,
  OID.basicConstraints,
  OID.nameConstraints,
  OID.certificatePolicies,
  OID.policyMappings,
  OID.policyConstraints,
  OID.extendedKeyUsage,
  OID.inhibitAnyPolicy,
  OID.logotype,
  OID.pilot,
]);

/** Certificates of one file. */
const MAX_CERTIFICATES = 10;
const PEM = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g;

/**
 * Certificates of a PEM file, in its order.
 *
 * @throws {DerFault} when one of them cannot be read, or there is none
 */
export function readCertificates(pem: string): readonly Certificate[] {
  const blocks = [...pem.matchAll(PEM)].map(([, text = '']) =>
    Buffer.from(text.replaceAll(/\s+/g, ''), 'base64'),
  );
  if (blocks.length === 0) throw new DerFault('is no PEM file with certificates');
  if (blocks.length > MAX_CERTIFICATES) throw new DerFault(`comes with more than ${MAX_CERTIFICATES} others`);
  return blocks.map(readCertificate);
}

/** @throws {DerFault} */
export function readCertificate(der: Buffer): Certificate {
  const outer = new Cursor(readDer(der));
  const body = outer.next(TAG.sequence);
  const algorithm = outer.next(TAG.sequence);
  const signature = bitsOf(outer.next(TAG.bitString));
  outer.end();
  const fields = new Cursor(body);
  const versionField = fields.optional(context(0));
  const version = versionField === null ? 1 : countOf(inner(versionField)) + 1;
  const serial = fields.next(TAG.integer).value.toString('hex');
  // RFC 5280 §4.1.1.2: what is signed says with what.
  if (!fields.next(TAG.sequence).raw.equals(algorithm.raw)) throw new DerFault('names two algorithms');
  const issuer = nameOf(fields.next(TAG.sequence));
  const validity = new Cursor(fields.next(TAG.sequence));
  const [notBeforeMs, notAfterMs] = [timeOf(validity.any()), timeOf(validity.any())];
  const subject = nameOf(fields.next(TAG.sequence));
  const publicKey = fields.next(TAG.sequence).raw;
  fields.optional(context(1, false));
  fields.optional(context(2, false));
  const extensionField = fields.optional(context(3));
  fields.end();
  const extensions = extensionField === null ? [] : extensionsOf(inner(extensionField));
  return {
    der,
    sha256: hash('sha256', der),
    version,
    serial,
    issuer,
    subject,
    notBeforeMs,
    notAfterMs,
    publicKey,
    signed: body.raw,
    algorithm: oidOf(new Cursor(algorithm).any()),
    signature,
    ...readExtensions(extensions),
  };
}

type Extension = { readonly oid: string; readonly critical: boolean; readonly value: Buffer };

function extensionsOf(list: Der): readonly Extension[] {
  if (list.tag !== TAG.sequence) throw new DerFault('has extensions in another form');
  const seen = new Set<string>();
  return childrenOf(list).map((each) => {
    const parts = new Cursor(each);
    const oid = oidOf(parts.any());
    const flag = parts.optional(TAG.boolean);
    const { value } = parts.next(TAG.octetString);
    parts.end();
    if (seen.has(oid)) throw new DerFault('has an extension twice');
    seen.add(oid);
    return { oid, critical: flag !== null && booleanOf(flag), value };
  });
}

function readExtensions(extensions: readonly Extension[]) {
  const read = <T>(oid: string, reader: (element: Der) => T): T | null => {
    const found = extensions.find((each) => each.oid === oid);
    return found === undefined ? null : reader(readDer(found.value));
  };
  return {
    basicConstraints: read(OID.basicConstraints, basicConstraintsOf),
    keyUsage: read(OID.keyUsage, keyUsageOf),
    extendedKeyUsage: read(OID.extendedKeyUsage, (list) => elements(list).map(oidOf)),
    names: read(OID.subjectAltName, (list) => elements(list).map(generalNameOf)) ?? [],
    constraints: read(OID.nameConstraints, constraintsOf),
    policies: read(OID.certificatePolicies, (list) =>
      elements(list).map((each) => oidOf(new Cursor(each).any())),
    ),
    policyMappings: read(OID.policyMappings, (list) => elements(list).map(mappingOf)) ?? [],
    policyConstraints: read(OID.policyConstraints, policyConstraintsOf),
    inhibitAnyPolicy: read(OID.inhibitAnyPolicy, countOf),
    crlUrls: read(OID.crlDistributionPoints, (list) => elements(list).flatMap(crlUrlsOf)) ?? [],
    timestamps: read(OID.timestamps, timestampsOf) ?? 0,
    logotype: extensions.find(({ oid }) => oid === OID.logotype)?.value ?? null,
    unknownCritical: extensions.flatMap(({ oid, critical }) =>
      critical && !UNDERSTOOD.has(oid) ? [oid] : [],
    ),
  };
}

function elements(list: Der): readonly Der[] {
  if (list.tag !== TAG.sequence) throw new DerFault('has an extension in another form');
  const found = childrenOf(list);
  if (found.length === 0) throw new DerFault('has an extension that says nothing');
  return found;
}

function basicConstraintsOf(element: Der) {
  const parts = new Cursor(element);
  const flag = parts.optional(TAG.boolean);
  const length = parts.optional(TAG.integer);
  parts.end();
  const ca = flag !== null && booleanOf(flag);
  if (!ca && length !== null) throw new DerFault('limits a path without being an authority');
  return { ca, pathLength: length === null ? null : countOf(length) };
}

function keyUsageOf(element: Der) {
  const [first = 0] = bitsOf(element);
  return { certSign: (first & 0x04) !== 0, crlSign: (first & 0x02) !== 0 };
}

function mappingOf(element: Der): readonly [string, string] {
  const parts = new Cursor(element);
  const pair = [oidOf(parts.any()), oidOf(parts.any())] as const;
  parts.end();
  return pair;
}

function policyConstraintsOf(element: Der) {
  const parts = new Cursor(element);
  const explicit = parts.optional(context(0, false));
  const inhibit = parts.optional(context(1, false));
  parts.end();
  return {
    explicit: explicit && countOf(explicit),
    inhibitMapping: inhibit && countOf(inhibit),
  };
}

/** `fullName` of one point, as far as it is an address. */
function crlUrlsOf(point: Der): readonly string[] {
  const name = new Cursor(point).optional(context(0));
  const full = name === null ? null : inner(name);
  if (full?.tag !== context(0)) return [];
  return childrenOf(full).flatMap((each) => {
    const general = generalNameOf(each);
    return general.kind === 'uri' ? [general.value] : [];
  });
}

/** RFC 6962 §3.3: a list with its length in front, in each element likewise. */
function timestampsOf({ tag, value }: Der): number {
  if (tag !== TAG.octetString || value.length < 2 || value.readUInt16BE(0) !== value.length - 2)
    throw new DerFault('has a list of timestamps in another form');
  let count = 0;
  for (let at = 2; at + 2 <= value.length; at += 2 + value.readUInt16BE(at)) count += 1;
  return count;
}

function constraintsOf(element: Der): NameConstraints {
  const parts = new Cursor(element);
  const [permitted, excluded] = [parts.optional(context(0)), parts.optional(context(1))];
  parts.end();
  return { permitted: subtreesOf(permitted), excluded: subtreesOf(excluded) };
}

function subtreesOf(list: Der | null): readonly GeneralName[] {
  return list === null ? [] : childrenOf(list).map(subtreeOf);
}

/** RFC 5280 §4.2.1.10: minimum and maximum are not used. */
function subtreeOf(element: Der): GeneralName {
  const parts = new Cursor(element);
  const base = generalNameOf(parts.any());
  parts.end();
  return base;
}

function generalNameOf(element: Der): GeneralName {
  const { tag, value } = element;
  switch (tag) {
    case context(1, false):
      return { kind: 'email', value: asciiOf(value) };
    case context(2, false):
      return { kind: 'dns', value: asciiOf(value).toLowerCase() };
    case context(4):
      return { kind: 'directory', name: nameOf(inner(element)) };
    case context(6, false):
      return { kind: 'uri', value: asciiOf(value) };
    case context(7, false):
      return { kind: 'ip', bytes: value };
    default:
      return { kind: 'other', tag };
  }
}

/** A name with a NUL in it is two names, to whoever stops there. */
function asciiOf(value: Buffer): string {
  if (value.some((byte) => byte < 0x20 || byte > 0x7e)) throw new DerFault('has a name that is not ASCII');
  return value.toString('latin1');
}

/** @throws {DerFault} */
export function nameOf(element: Der): Name {
  const attributes = new Map<string, string>();
  const parts = elementsOf(element).map((relative) => {
    if (relative.tag !== TAG.set) throw new DerFault('has a name in another form');
    return childrenOf(relative)
      .map((each) => {
        const pair = new Cursor(each);
        const oid = oidOf(pair.any());
        const value = pair.any();
        pair.end();
        const text = textOf(value);
        attributes.set(oid, text ?? value.value.toString('hex'));
        return `${oid}=${text === null ? `#${value.raw.toString('hex')}` : JSON.stringify(folded(text))}`;
      })
      .sort(byCodeUnit)
      .join('+');
  });
  return { key: parts.join(','), parts, attributes };
}

function elementsOf(element: Der): readonly Der[] {
  if (element.tag !== TAG.sequence) throw new DerFault('has a name in another form');
  return childrenOf(element);
}

/** RFC 5280 §7.1: case and runs of blanks make no other name. */
function folded(text: string): string {
  return text.normalize('NFKC').toLowerCase().trim().replaceAll(/\s+/gu, ' ');
}

function textOf({ tag, value }: Der): string | null {
  switch (tag) {
    case TAG.utf8:
      return value.toString('utf8');
    case TAG.printable:
    case TAG.ia5:
      return value.toString('latin1');
    case TAG.bmp:
      return value.length % 2 === 0 ? Buffer.from(value).swap16().toString('utf16le') : null;
    default:
      return null;
  }
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : 1;
}
