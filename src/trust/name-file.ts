import { parseDomain } from '../dns/names.ts';
import { DocumentFault } from './json.ts';
import { isPublicSuffix } from './organization.ts';

export const NAME_KINDS = ['free-mail', 'disposable'] as const;

/** Where a name is known from. */
export type NameOrigin = {
  readonly kind: (typeof NAME_KINDS)[number];
  /** The day that it was taken up, `YYYY-MM-DD`. */
  readonly date: string;
  /** One word: the list that has it. */
  readonly source: string;
  /** Version, licence and the like. */
  readonly note: string;
};

/**
 * Domains where anybody can get an address (`open-signup/1`): a head of lines that begin with `#` and tell of each
 * origin, then names sorted by byte, each with the letters of its origin:
 *
 *     # open-signup/1
 *     # a free-mail 2026-11-25 example-list 1.0 (MIT)
 *     mail.example a
 *
 * It is searched where it lies in memory: a hundred thousand names are neither split nor hashed.
 */
export type NameFile = {
  readonly bytes: Buffer;
  readonly origins: ReadonlyMap<string, NameOrigin>;
};

export type NamedDomain = { readonly name: string; readonly origin: NameOrigin };

/** Largest file, in bytes. */
export const MAX_NAME_FILE_BYTES = 16 * 1024 * 1024;
export const NAME_FORMAT = '# open-signup/1';
const MAX_ORIGINS = 1000;
const ORIGIN = /^# ([a-z]{1,3}) (free-mail|disposable) (\d{4}-\d\d-\d\d) (\S{1,100})(?: (.{0,300}))?$/;
const LF = 0x0a;
const BLANK = 0x20;
const HASH = 0x23;

/**
 * Open a file for look-ups; only its head is read, so it has to be one that was checked before.
 *
 * @throws {DocumentFault} when the head cannot be read
 */
export function openNameFile(bytes: Buffer): NameFile {
  const origins = new Map<string, NameOrigin>();
  let at = 0;
  for (; bytes[at] === HASH; at = endOfLine(bytes, at) + 1) {
    const line = bytes.toString('utf8', at, endOfLine(bytes, at));
    if (at === 0 ? line !== NAME_FORMAT : !readOrigin(line, origins))
      throw new DocumentFault(at === 0 ? 'line 1' : `line ${origins.size + 2}`, 'cannot be read');
  }
  if (at === 0) throw new DocumentFault('line 1', `is not ${NAME_FORMAT}`);
  return { bytes, origins };
}

function readOrigin(line: string, origins: Map<string, NameOrigin>): boolean {
  const [, tag = '', kind, date = '', source = '', note = ''] = ORIGIN.exec(line) ?? [];
  if (tag === '' || origins.has(tag) || origins.size >= MAX_ORIGINS) return false;
  origins.set(tag, { kind: kind as NameOrigin['kind'], date, source, note });
  return true;
}

/**
 * Read a file that comes from elsewhere, every line of it.
 *
 * @throws {DocumentFault} naming the line: not sorted, twice, no origin, no canonical name, or a public suffix
 */
export function readNameFile(bytes: Uint8Array): NameFile {
  if (bytes.length > MAX_NAME_FILE_BYTES)
    throw new DocumentFault('', `is larger than ${MAX_NAME_FILE_BYTES} bytes`);
  const file = openNameFile(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  let [before, line] = ['', 1 + file.origins.size];
  for (const { name, tag } of linesOf(file)) {
    line += 1;
    const fault = faultOf(name, tag, before, file);
    if (fault !== null) throw new DocumentFault(`line ${line}`, fault);
    before = name;
  }
  if (file.bytes.at(-1) !== LF) throw new DocumentFault(`line ${line}`, 'does not end');
  return file;
}

function faultOf(name: string, tag: string, before: string, { origins }: NameFile): string | null {
  if (!origins.has(tag)) return 'has no origin';
  if (name <= before) return 'is not sorted, or stands there twice';
  return whyNoName(name);
}

/** Why a name cannot be on such a list; null when it can. */
export function whyNoName(name: string): string | null {
  const parsed = parseDomain(name);
  if (parsed.kind === 'invalid') return parsed.reason;
  if (parsed.ascii !== name) return `is to be written '${parsed.ascii}'`;
  return isPublicSuffix(name) ? 'is a public suffix, whose names belong to many' : null;
}

function* linesOf({ bytes }: NameFile): Generator<{ readonly name: string; readonly tag: string }> {
  for (let at = 0; at < bytes.length; ) {
    const end = endOfLine(bytes, at);
    if (bytes[at] !== HASH) {
      const [name = '', tag = ''] = bytes.toString('latin1', at, end).split(' ');
      yield { name, tag };
    }
    at = end + 1;
  }
}

/** Every name with its origin, in order. */
export function* namesOf(file: NameFile): Generator<NamedDomain> {
  for (const { name, tag } of linesOf(file)) {
    const origin = file.origins.get(tag);
    if (origin !== undefined) yield { name, origin };
  }
}

/** Write names down; two of one name keep the one that comes first. */
export function writeNameFile(names: Iterable<NamedDomain>): Buffer {
  const origins = new Map<string, { readonly origin: NameOrigin; readonly tag: string }>();
  const byName = new Map<string, string>();
  for (const { name, origin } of names) {
    const key = `${origin.kind} ${origin.date} ${origin.source} ${origin.note}`.trimEnd();
    const known = origins.get(key) ?? { origin, tag: tagOf(origins.size) };
    origins.set(key, known);
    if (!byName.has(name)) byName.set(name, known.tag);
  }
  const head = [...origins].map(([key, { tag }]) => `# ${tag} ${key}`);
  const lines = [...byName].map(([name, tag]) => `${name} ${tag}`).sort(byCodeUnit);
  return Buffer.from(`${[NAME_FORMAT, ...head, ...lines].join('\n')}\n`);
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : 1;
}

/** `a` to `z`, then `aa` and so on. */
function tagOf(index: number): string {
  const letter = String.fromCharCode(0x61 + (index % 26));
  return index < 26 ? letter : tagOf(Math.floor(index / 26) - 1) + letter;
}

/** Binary search; `#` and the blank behind a name sort before every character of a name. */
export function findName({ bytes, origins }: NameFile, name: string): NameOrigin | null {
  const wanted = Buffer.from(name, 'latin1');
  let low = 0;
  let high = bytes.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const start = middle === 0 ? 0 : bytes.lastIndexOf(LF, middle - 1) + 1;
    const end = endOfLine(bytes, start);
    const blank = bytes.indexOf(BLANK, start);
    const order = bytes.compare(wanted, 0, wanted.length, start, Math.min(blank === -1 ? end : blank, end));
    if (order === 0) return origins.get(bytes.toString('latin1', blank + 1, end)) ?? null;
    if (order < 0) low = end + 1;
    else high = start;
  }
  return null;
}

function endOfLine(bytes: Buffer, start: number): number {
  const end = bytes.indexOf(LF, start);
  return end === -1 ? bytes.length : end;
}
