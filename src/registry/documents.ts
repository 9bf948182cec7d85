import { type Place, Place as PlaceOf, parseStrictJson } from '../trust/json.ts';
import { canonicalJson, type Json } from './canonical.ts';
import { base64, MAX_ENVELOPE_BYTES } from './envelope.ts';
import { type PublicKey, publicKeyFrom } from './keys.ts';

/** Who may sign what. */
export const ROLES = ['root', 'list', 'pointer'] as const;
export type Role = (typeof ROLES)[number];

/** Types of documents, as they are signed. */
export const TYPES: Readonly<Record<Role, string>> = {
  root: 'application/vnd.postern.trust-root+json;version=1',
  list: 'application/vnd.postern.trust-list+json;version=1',
  pointer: 'application/vnd.postern.trust-pointer+json;version=1',
};

/** What every document says of itself. Times are milliseconds since the epoch. */
export type Head = {
  /** Id of the mediator. */
  readonly mediator: string;
  /** From 1. */
  readonly version: number;
  readonly issuedMs: number;
  readonly expiresMs: number;
};

export type RoleKeys = { readonly threshold: number; readonly keys: readonly PublicKey[] };

/** The keys of a mediator. */
export type Root = Head & {
  /** As it is shown. */
  readonly name: string;
  readonly roles: Readonly<Record<Role, RoleKeys>>;
};

/** A file by its bytes. */
export type FileDigest = { readonly sha256: string; readonly lengthBytes: number };

/** A line of the mediator's journal: how many there are up to it, and its digest. */
export type JournalHead = { readonly lines: number; readonly sha256: string };

/** The list of a day, by its digest. */
export type ListStatement = Head & {
  readonly document: FileDigest;
  /** Domains where anybody can get an address, as far as the mediator adds to what readers have. */
  readonly openSignup: FileDigest | null;
  readonly journal: JournalHead | null;
};

/** What is current. */
export type Pointer = Head & {
  readonly rootVersion: number;
  readonly list: FileDigest & { readonly version: number };
};

/** Largest list of trusted domains, in bytes. */
export const MAX_LIST_BYTES = 64 * 1024 * 1024;

const HEX_DIGEST = /^[0-9a-f]{64}$/;
const ID = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const HEAD = ['mediator', 'version', 'issued', 'expires'];
const MAX_KEYS = 100;

export function readRoot(payload: Uint8Array): Root {
  const place = open(payload);
  place.only([...HEAD, 'name', 'keys', 'roles']);
  const keys = new Map(
    place
      .get('keys')
      .list(keyFrom, { min: 1, max: MAX_KEYS })
      .map((key) => [key.id, key]),
  );
  const roles = place.get('roles');
  roles.only(ROLES);
  const [root, list, pointer] = ROLES.map((role) => roleFrom(roles.get(role), keys)) as [
    RoleKeys,
    RoleKeys,
    RoleKeys,
  ];
  return { ...headOf(place), name: place.get('name').string({ max: 200 }), roles: { root, list, pointer } };
}

export function readListStatement(payload: Uint8Array): ListStatement {
  const place = open(payload);
  place.only([...HEAD, 'document', 'openSignup', 'journal']);
  const journal = place.get('journal').or(null, (each) => ({
    lines: each.get('lines').count(),
    sha256: each.get('sha256').string({ of: HEX_DIGEST }),
  }));
  return {
    ...headOf(place),
    document: fileFrom(place.get('document')),
    openSignup: place.get('openSignup').or(null, fileFrom),
    journal,
  };
}

export function readPointer(payload: Uint8Array): Pointer {
  const place = open(payload);
  place.only([...HEAD, 'root', 'list']);
  const list = place.get('list');
  return {
    ...headOf(place),
    rootVersion: versionOf(place.get('root').get('version')),
    list: { version: versionOf(list.get('version')), ...fileDigest(list) },
  };
}

/** What is signed has one spelling, so that nobody can hide a second meaning in it. */
function open(payload: Uint8Array): Place {
  const value = parseStrictJson(payload, { maxBytes: MAX_ENVELOPE_BYTES, maxDepth: 6 });
  const place = new PlaceOf(value);
  if (!Buffer.from(canonicalJson(value as Json)).equals(payload)) place.fail('is not in its canonical form');
  return place;
}

function headOf(place: Place): Head {
  const issuedMs = place.get('issued').time();
  const expires = place.get('expires');
  const expiresMs = expires.time('end');
  if (expiresMs <= issuedMs) expires.fail('is not after "issued"');
  return {
    mediator: place.get('mediator').string({ max: 100, of: ID }),
    version: versionOf(place.get('version')),
    issuedMs,
    expiresMs,
  };
}

function versionOf(place: Place): number {
  const version = place.count();
  return version > 0 ? version : place.fail('is not a whole number from 1');
}

function keyFrom(place: Place): PublicKey {
  place.only(['id', 'ed25519']);
  const raw = base64(place.get('ed25519'), 100);
  if (raw.length !== 32) place.get('ed25519').fail('has not 32 bytes');
  const key = publicKeyFrom(raw);
  if (place.get('id').value !== key.id) place.get('id').fail('is not the SHA-256 of the key');
  return key;
}

function roleFrom(place: Place, keys: ReadonlyMap<string, PublicKey>): RoleKeys {
  place.only(['threshold', 'keys']);
  const named = place
    .get('keys')
    .list((each) => keys.get(each.string({ of: HEX_DIGEST })) ?? each.fail('is no key of this document'), {
      min: 1,
      max: MAX_KEYS,
    });
  if (new Set(named).size < named.length) place.get('keys').fail('has a key twice');
  const threshold = versionOf(place.get('threshold'));
  if (threshold > named.length) place.get('threshold').fail('is more than there are keys');
  return { threshold, keys: named };
}

/** A file by its digest, and nothing else. */
export function fileFrom(place: Place): FileDigest {
  place.only(['sha256', 'lengthBytes']);
  return fileDigest(place);
}

export function fileDigest(place: Place): FileDigest {
  return {
    sha256: place.get('sha256').string({ of: HEX_DIGEST }),
    lengthBytes: place.get('lengthBytes').count(),
  };
}

/** The bytes to sign of a root. */
export function rootPayload({ name, roles, ...head }: Root): Buffer {
  const keys = new Map(ROLES.flatMap((role) => roles[role].keys.map((key) => [key.id, key])));
  return encode({
    ...headJson(head),
    name,
    keys: [...keys.values()]
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .map(({ id, raw }) => ({ id, ed25519: raw.toString('base64') })),
    roles: Object.fromEntries(
      ROLES.map((role) => [
        role,
        { threshold: roles[role].threshold, keys: roles[role].keys.map(({ id }) => id).sort() },
      ]),
    ),
  });
}

/** The bytes to sign of a list. */
export function listPayload({ document, openSignup, journal, ...head }: ListStatement): Buffer {
  return encode({
    ...headJson(head),
    document: { ...document },
    openSignup: openSignup ? { ...openSignup } : undefined,
    journal: journal ? { ...journal } : undefined,
  });
}

/** The bytes to sign of a pointer. */
export function pointerPayload({ rootVersion, list, ...head }: Pointer): Buffer {
  return encode({ ...headJson(head), root: { version: rootVersion }, list: { ...list } });
}

function headJson({ mediator, version, issuedMs, expiresMs }: Head) {
  return { mediator, version, issued: instant(issuedMs), expires: instant(expiresMs) };
}

/** RFC 3339 in UTC, to the second. */
export function instant(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

function encode(value: Json): Buffer {
  return Buffer.from(canonicalJson(value));
}
