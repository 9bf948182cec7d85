/** Something in a document is not as it should be. `path` names it: `entries[3].domains[0].domain`. */
export class DocumentFault extends Error {
  readonly path: string;

  constructor(path: string, message: string) {
    super(path === '' ? message : `${path}: ${message}`);
    this.name = 'DocumentFault';
    this.path = path;
  }
}

/** What a document may be at most. */
export type JsonLimits = { readonly maxBytes: number; readonly maxDepth: number };

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;

/** An object or a list that the scan is inside of. */
type Level = {
  /** Keys seen so far; null in a list. */
  readonly keys: Set<string> | null;
  /** The key or the index that is being read. */
  at: string | number;
};

/**
 * Read JSON from somebody who may want to mislead. Two readers of one document must not see different
 * things, so a key that stands twice in an object is refused, as is `__proto__` (RFC 8259 §4); and depth and
 * size are limited before anything is built.
 *
 * @throws {DocumentFault} with the path of the fault
 */
export function parseStrictJson(bytes: Uint8Array, { maxBytes, maxDepth }: JsonLimits): unknown {
  if (bytes.length > maxBytes) throw new DocumentFault('', `is larger than ${maxBytes} bytes`);
  const text = decode(bytes);
  inspect(text, maxDepth);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new DocumentFault('', `is not JSON: ${(error as Error).message}`);
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    throw new DocumentFault('', 'is not UTF-8');
  }
}

/** Walk over the structure alone. What is no JSON at all is left to the parser, which says it better. */
function inspect(text: string, maxDepth: number): void {
  const levels: Level[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const level = levels.at(-1);
    switch (text.charCodeAt(at)) {
      case QUOTE: {
        const end = endOfString(text, at);
        if (level?.keys && isKey(text, end + 1)) enterKey(levels, level.keys, text.slice(at, end + 1));
        at = end;
        break;
      }
      case OPEN_OBJECT:
        levels.push({ keys: new Set(), at: '' });
        break;
      case OPEN_LIST:
        levels.push({ keys: null, at: 0 });
        break;
      case CLOSE_OBJECT:
      case CLOSE_LIST:
        levels.pop();
        break;
      case COMMA:
        if (typeof level?.at === 'number') level.at += 1;
        break;
      default:
    }
    if (levels.length > maxDepth)
      throw new DocumentFault(pathOf(levels), `is nested deeper than ${maxDepth}`);
  }
}

function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end === -1 ? text.length : end;
}

/** An odd number of backslashes stands before it. */
function isEscaped(text: string, at: number): boolean {
  let start = at;
  while (text.charCodeAt(start - 1) === BACKSLASH) start -= 1;
  return (at - start) % 2 === 1;
}

function isKey(text: string, after: number): boolean {
  let at = after;
  while (at < text.length && text.charCodeAt(at) <= 0x20) at += 1;
  return text.charCodeAt(at) === COLON;
}

function enterKey(levels: readonly Level[], keys: Set<string>, quoted: string): void {
  const level = levels.at(-1);
  if (level === undefined) return;
  const key = unquote(quoted);
  level.at = key;
  if (key === '__proto__') throw new DocumentFault(pathOf(levels), 'is a name that no document may use');
  if (keys.has(key)) throw new DocumentFault(pathOf(levels), 'stands there twice');
  keys.add(key);
}

/** Two spellings of one key (`"a"`) are one key. */
function unquote(quoted: string): string {
  if (!quoted.includes('\\')) return quoted.slice(1, -1);
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return quoted;
  }
}

function pathOf(levels: readonly Level[]): string {
  return levels.reduce((path, { at }) => join(path, at), '');
}

function join(path: string, at: string | number): string {
  if (typeof at === 'number') return `${path}[${at}]`;
  return path === '' ? at : `${path}.${at}`;
}

/**
 * A value in a document, together with where it stands, so that every complaint names the place.
 * All methods throw {@link DocumentFault}.
 */
export class Place {
  readonly value: unknown;
  private readonly parent: Place | null;
  private readonly at: string | number;

  constructor(value: unknown, parent: Place | null = null, at: string | number = '') {
    this.value = value;
    this.parent = parent;
    this.at = at;
  }

  /** Put together only when somebody complains. */
  get path(): string {
    return this.parent === null ? '' : join(this.parent.path, this.at);
  }

  fail(message: string): never {
    throw new DocumentFault(this.path, message);
  }

  /** A member of this object; fails when this is no object. */
  get(key: string): Place {
    if (typeof this.value !== 'object' || this.value === null || Array.isArray(this.value)) {
      return this.fail('is not an object');
    }
    const value = Object.hasOwn(this.value, key) ? (this.value as Record<string, unknown>)[key] : undefined;
    return new Place(value, this, key);
  }

  /** Refuse members that nobody reads: a slip of the pen would switch a rule off in silence. */
  only(keys: readonly string[]): void {
    if (typeof this.value !== 'object' || this.value === null || Array.isArray(this.value)) {
      this.fail('is not an object');
    }
    const odd = Object.keys(this.value as object).find((key) => !keys.includes(key));
    if (odd !== undefined) this.get(odd).fail(`is not known here; known are ${keys.join(', ')}`);
  }

  get absent(): boolean {
    return this.value === undefined;
  }

  /** What `read` makes of it; `fallback` when it is not there. */
  or<T>(fallback: T, read: (place: Place) => T): T {
    return this.absent ? fallback : read(this);
  }

  string({ max = 1000, of = null }: { max?: number; of?: RegExp | null } = {}): string {
    if (typeof this.value !== 'string') return this.fail(this.absent ? 'is missing' : 'is not a string');
    if (this.value.length > max) return this.fail(`is longer than ${max} characters`);
    if (this.value.trim() === '') return this.fail('is empty');
    if (of !== null && !of.test(this.value)) return this.fail(`has a form that is not allowed`);
    return this.value;
  }

  boolean(): boolean {
    if (typeof this.value !== 'boolean')
      return this.fail(this.absent ? 'is missing' : 'is not true or false');
    return this.value;
  }

  /** A whole number from 0. */
  count(): number {
    if (!Number.isSafeInteger(this.value) || (this.value as number) < 0) {
      return this.fail(this.absent ? 'is missing' : 'is not a whole number from 0');
    }
    return this.value as number;
  }

  oneOf<const T extends string>(words: readonly T[]): T {
    const found = words.find((word) => word === this.value);
    return found ?? this.fail(this.absent ? 'is missing' : `is none of ${words.join(', ')}`);
  }

  list<T>(read: (place: Place) => T, { min = 0, max = 2_000_000 } = {}): readonly T[] {
    if (!Array.isArray(this.value)) return this.fail(this.absent ? 'is missing' : 'is not a list');
    if (this.value.length < min) return this.fail('is empty');
    if (this.value.length > max) return this.fail(`has more than ${max} members`);
    return this.value.map((value, index) => read(new Place(value, this, index)));
  }

  /**
   * A point in time (RFC 3339), in milliseconds since the epoch. A date alone stands for its first moment,
   * or for its last one where it is an end.
   */
  time(edge: 'start' | 'end' = 'start'): number {
    const text = this.string({ max: 40 });
    const date = /^\d{4}-\d\d-\d\d$/.test(text);
    const full = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/.test(text);
    const ms = date || full ? Date.parse(text) : Number.NaN;
    // Date.parse takes 30 February for 2 March.
    if (Number.isNaN(ms) || !isRealDay(text)) return this.fail('is no time such as 2026-11-25T12:00:00Z');
    return date && edge === 'end' ? ms + 86_400_000 - 1 : ms;
  }
}

function isRealDay(text: string): boolean {
  const [year = 0, month = 0, day = 0] = text.slice(0, 10).split('-').map(Number);
  return day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
}
