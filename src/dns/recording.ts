import { AppError, ExitCode } from '../errors.ts';
import { canonicalAddress } from '../net/address.ts';
import { lowerName, MAX_RECORDS } from './reader.ts';
import { TYPE_CODE } from './records.ts';
import type { RecordData, RecordType } from './types.ts';

/** What may stand instead of a list of records. */
export const WORDS = ['TIMEOUT', 'SERVFAIL', 'REFUSED', 'NXDOMAIN', 'BOGUS'] as const;
export type Word = (typeof WORDS)[number];

type Sets = { readonly [T in RecordType]: RecordData[T][] };

/** What is recorded of one name. */
export type RecordedName = {
  /** True or false counts for this name and those below; null leaves it to the names above. */
  secure: boolean | null;
  /** Types that are recorded as a list; an empty one is NODATA. */
  readonly listed: Set<RecordType>;
  readonly sets: Sets;
  readonly words: Map<RecordType, Word>;
  /** For every type not listed: a word, `[]` for NODATA, or null. */
  any: Word | readonly [] | null;
  /** Types that we know nothing of are recorded; they show that the name exists. */
  others: boolean;
};

/** Recorded answers, by name in lower case without the final dot. */
export type Recording = ReadonlyMap<string, RecordedName>;

const MAX_NAMES = 200_000;

/**
 * Read the format of `--dns-cache`: name → type → records as `dns.promises.resolve(name, type)` gives them (TLSA
 * with hexadecimal `data`, SOA alone or in a list; DS and DNSKEY, which Node does not know, as in `RecordData`).
 * `"secure": false` below a name with `true` ends what that one claims. Types we do not know are passed over.
 *
 * @param value  the parsed JSON
 * @throws AppError `E_DNS_CACHE`, exit 65, with the place in the document
 */
export function parseRecording(value: unknown): Recording {
  const names = Object.entries(asObject(value, '$'));
  if (names.length > MAX_NAMES) throw wrong('$', `holds more than ${MAX_NAMES} names`);
  const recording = new Map<string, RecordedName>();
  for (const [key, types] of names) {
    if (key === '@meta') continue;
    const name = normalName(key);
    const entry = recording.get(name) ?? emptyName(); // the same name in another case
    recording.set(name, entry);
    const path = `$[${JSON.stringify(key)}]`;
    for (const [type, content] of Object.entries(asObject(types, path))) fill(entry, type, content, path);
  }
  return recording;
}

function emptyName(): RecordedName {
  return { secure: null, listed: new Set(), sets: emptySets(), words: new Map(), any: null, others: false };
}

function emptySets(): Sets {
  return {
    A: [],
    AAAA: [],
    CNAME: [],
    MX: [],
    NS: [],
    PTR: [],
    SOA: [],
    SRV: [],
    TLSA: [],
    TXT: [],
    CAA: [],
    DS: [],
    DNSKEY: [],
  };
}

function fill(entry: RecordedName, key: string, content: unknown, parent: string): void {
  const path = `${parent}[${JSON.stringify(key)}]`;
  if (key === 'secure') {
    if (typeof content !== 'boolean') throw wrong(path, 'is neither true nor false');
    entry.secure = content;
    return;
  }
  const type = key.toUpperCase();
  if (type === '*') entry.any = readAny(content, path);
  else if (!isRecordType(type)) entry.others = true;
  else if (typeof content === 'string') entry.words.set(type, asWord(content, path));
  else fillSet(entry, type, content, path);
}

function isRecordType(text: string): text is RecordType {
  return Object.hasOwn(TYPE_CODE, text);
}

function readAny(content: unknown, path: string): Word | [] {
  if (typeof content === 'string') return asWord(content, path);
  if (Array.isArray(content) && content.length === 0) return [];
  throw wrong(path, `is for every type and can only be [] or one of ${WORDS.join(', ')}`);
}

function fillSet<T extends RecordType>(entry: RecordedName, type: T, content: unknown, path: string): void {
  const alone = type === 'SOA' && !Array.isArray(content); // Node gives the one SOA without a list
  const items = alone ? [content] : asList(content, path);
  const read: (value: unknown, path: string) => RecordData[T] = READERS[type];
  const records: RecordData[T][] = entry.sets[type];
  entry.listed.add(type);
  for (const [index, item] of items.entries()) records.push(read(item, alone ? path : `${path}[${index}]`));
}

type Readers = { readonly [T in RecordType]: (value: unknown, path: string) => RecordData[T] };

const READERS: Readers = {
  A: (value, path) => asAddress(value, path, '.'),
  AAAA: (value, path) => asAddress(value, path, ':'),
  CNAME: asName,
  NS: asName,
  PTR: asName,
  MX: (value, path) => {
    const mx = asObject(value, path);
    return {
      preference: asNumber(mx, 'priority', 0xffff, path),
      exchange: asName(mx['exchange'], `${path}.exchange`),
    };
  },
  SOA: readSoa,
  SRV: (value, path) => {
    const srv = asObject(value, path);
    return {
      priority: asNumber(srv, 'priority', 0xffff, path),
      weight: asNumber(srv, 'weight', 0xffff, path),
      port: asNumber(srv, 'port', 0xffff, path),
      target: asName(srv['name'], `${path}.name`),
    };
  },
  TXT: (value, path) => {
    const strings = typeof value === 'string' ? [value] : asList(value, path);
    return strings.map((item, index) => asBytes(asString(item, `${path}[${index}]`)));
  },
  TLSA: (value, path) => {
    const tlsa = asObject(value, path);
    return {
      certUsage: asNumber(tlsa, 'certUsage', 0xff, path),
      selector: asNumber(tlsa, 'selector', 0xff, path),
      match: asNumber(tlsa, 'match', 0xff, path),
      data: asHex(tlsa, 'data', path),
    };
  },
  CAA: readCaa,
  DS: (value, path) => {
    const ds = asObject(value, path);
    return {
      keyTag: asNumber(ds, 'keyTag', 0xffff, path),
      algorithm: asNumber(ds, 'algorithm', 0xff, path),
      digestType: asNumber(ds, 'digestType', 0xff, path),
      digest: asHex(ds, 'digest', path),
    };
  },
  DNSKEY: (value, path) => {
    const key = asObject(value, path);
    return {
      flags: asNumber(key, 'flags', 0xffff, path),
      algorithm: asNumber(key, 'algorithm', 0xff, path),
      key: asString(key['key'], `${path}.key`),
    };
  },
};

function readSoa(value: unknown, path: string): RecordData['SOA'] {
  const soa = asObject(value, path);
  return {
    mname: asName(soa['nsname'], `${path}.nsname`),
    rname: asName(soa['hostmaster'], `${path}.hostmaster`),
    serial: asNumber(soa, 'serial', 0xffff_ffff, path),
    refresh: asNumber(soa, 'refresh', 0xffff_ffff, path),
    retry: asNumber(soa, 'retry', 0xffff_ffff, path),
    expire: asNumber(soa, 'expire', 0xffff_ffff, path),
    minimum: asNumber(soa, 'minttl', 0xffff_ffff, path),
  };
}

/** Node's form: `{ critical: 128, issue: 'ca.example' }`, the tag being a key. */
function readCaa(value: unknown, path: string): RecordData['CAA'] {
  const caa = asObject(value, path);
  const tags = Object.keys(caa).filter((key) => key !== 'critical' && key !== 'type');
  const [tag] = tags;
  if (tag === undefined || tags.length > 1) throw wrong(path, 'needs one property beside critical');
  return {
    flags: asNumber(caa, 'critical', 0xff, path),
    tag: tag.toLowerCase(),
    value: asBytes(asString(caa[tag], `${path}.${tag}`)),
  };
}

/** Lower case without the final dot; `.` for the root, which Node writes as an empty text. */
export function normalName(text: string): string {
  const name = lowerName(text).replace(/\.$/, '');
  return name === '' ? '.' : name;
}

/** @returns the name without its first label; null above the root */
export function parentOf(name: string): string | null {
  if (name === '.') return null;
  const dot = name.indexOf('.');
  return dot === -1 ? '.' : name.slice(dot + 1);
}

/** Bytes as latin1 text, as Node gives them; what a person typed beyond that is UTF-8. */
function asBytes(text: string): string {
  return /[^\0-\xff]/.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text;
}

function asObject(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrong(path, 'is not an object');
  return value as Readonly<Record<string, unknown>>;
}

function asList(value: unknown, path: string): readonly unknown[] {
  if (!Array.isArray(value)) throw wrong(path, `is neither a list nor one of ${WORDS.join(', ')}`);
  if (value.length > MAX_RECORDS) throw wrong(path, `holds more than ${MAX_RECORDS} records`);
  return value;
}

function asWord(text: string, path: string): Word {
  const word = WORDS.find((known) => known === text.toUpperCase());
  if (word === undefined) throw wrong(path, `is neither a list nor one of ${WORDS.join(', ')}`);
  return word;
}

function asString(value: unknown, path: string): string {
  if (typeof value !== 'string') throw wrong(path, 'is not a text');
  if (value.length > 65_535) throw wrong(path, 'is longer than a record can be');
  return value;
}

function asName(value: unknown, path: string): string {
  return normalName(asString(value, path));
}

function asAddress(value: unknown, path: string, mark: '.' | ':'): string {
  const address = canonicalAddress(asString(value, path));
  // An IPv6 address may hold a dot, an IPv4 address never holds a colon.
  const isFamily = mark === ':' ? address?.includes(':') : address?.includes(':') === false;
  if (address === null || isFamily !== true || address.includes('%'))
    throw wrong(path, `is no ${mark === ':' ? 'IPv6' : 'IPv4'} address`);
  return address;
}

function asNumber(
  object: Readonly<Record<string, unknown>>,
  key: string,
  most: number,
  path: string,
): number {
  const value = object[key];
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > most)
    throw wrong(`${path}.${key}`, `is not a whole number from 0 to ${most}`);
  return value;
}

function asHex(object: Readonly<Record<string, unknown>>, key: string, path: string): string {
  const text = asString(object[key], `${path}.${key}`);
  if (!/^([0-9a-f]{2})*$/i.test(text)) throw wrong(`${path}.${key}`, 'is not hexadecimal');
  return text.toLowerCase();
}

function wrong(path: string, reason: string): AppError {
  return new AppError(`The recorded DNS answers are not usable: ${path} ${reason}.`, {
    code: 'E_DNS_CACHE',
    exit: ExitCode.input,
    hint: 'The format is name → type → records as dns.promises.resolve gives them; --dns-record writes it.',
  });
}
