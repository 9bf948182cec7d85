import { MAX_CNAMES } from './chain.ts';
import {
  normalName,
  parentOf,
  parseRecording,
  type RecordedName,
  type Recording,
  type Word,
} from './recording.ts';
import type { Answer, Dnssec, RecordData, RecordType, Resolver } from './types.ts';

export { recorder } from './recorder.ts';

/** What the recording says about one name and type. */
type Finding<T extends RecordType> =
  | { readonly kind: 'records'; readonly records: readonly RecordData[T][] } // none: NODATA
  | { readonly kind: 'word'; readonly word: Word }
  | { readonly kind: 'alias'; readonly target: string }
  /** Not recorded. `exists`: the name has other types, or names below. */
  | { readonly kind: 'unlisted'; readonly exists: boolean };

/**
 * Answers from a recording (`--dns-cache`).
 *
 * `secure` in the recording stands for DNSSEC: what is not said to be secure is `insecure`, as whoever recorded
 * it believed the way. `"BOGUS"` is `failed` with `SERVFAIL` and `dnssec: 'bogus'`, as from the network.
 *
 * @param document  the parsed JSON, see {@link parseRecording}
 * @param fallback  asked for names and types that are not recorded; without it (`--offline`) a name that is
 *   missing is absent, and a type that is missing is empty
 * @throws AppError `E_DNS_CACHE`, exit 65, when the document is not one
 */
export function recordedResolver(document: unknown, fallback?: Resolver): Resolver {
  const recording = parseRecording(document);
  const parents = parentsOf(recording);
  return {
    async resolve<T extends RecordType>(name: string, type: T): Promise<Answer<RecordData[T]>> {
      const asked = normalName(name);
      const { at, cnames, finding, dnssec } = follow({ recording, parents }, asked, type);
      if (cnames.length > MAX_CNAMES || cnames.includes(at)) return loop(asked, type, at, cnames);
      if (finding.kind === 'unlisted' && fallback !== undefined)
        return goOn(await fallback.resolve(at, type), { asked, cnames, dnssec });
      return conclude(finding, { name: asked, type, at, cnames, dnssec });
    },
  };
}

/** Answers nothing: `failed` with `OFFLINE`. For `--offline` without a recording. */
export function offlineResolver(): Resolver {
  return {
    async resolve(name, type) {
      const meta = { name: normalName(name), type, dnssec: 'indeterminate', cnames: [], ede: [] } as const;
      const message = 'offline, and no answers are recorded';
      return { ...meta, ttl: null, server: 'cache', kind: 'failed', rcode: 'OFFLINE', message };
    },
  };
}

type Book = { readonly recording: Recording; readonly parents: ReadonlySet<string> };

function follow<T extends RecordType>(book: Book, name: string, type: T) {
  const cnames: string[] = [];
  let at = name;
  let finding = find(book, at, type);
  let secure = isSecure(book.recording, at);
  while (finding.kind === 'alias') {
    cnames.push(at);
    at = finding.target;
    if (cnames.includes(at) || cnames.length > MAX_CNAMES) break;
    finding = find(book, at, type);
    secure &&= isSecure(book.recording, at);
  }
  const dnssec: Dnssec = secure ? 'secure' : 'insecure';
  return { at, cnames, finding, dnssec };
}

function find<T extends RecordType>({ recording, parents }: Book, name: string, type: T): Finding<T> {
  const entry = recording.get(name);
  if (entry === undefined) return { kind: 'unlisted', exists: parents.has(name) };
  const records: readonly RecordData[T][] = entry.sets[type];
  if (entry.listed.has(type)) return { kind: 'records', records };
  const word = entry.words.get(type);
  if (word !== undefined) return { kind: 'word', word };
  if (entry.any !== null)
    return typeof entry.any === 'string'
      ? { kind: 'word', word: entry.any }
      : { kind: 'records', records: [] };
  const target = entry.sets.CNAME[0];
  if (target !== undefined) return { kind: 'alias', target };
  return { kind: 'unlisted', exists: isThere(entry) || parents.has(name) };
}

/** A name of which only NXDOMAIN is recorded is none. */
function isThere(entry: RecordedName): boolean {
  const words = [...entry.words.values(), ...(typeof entry.any === 'string' ? [entry.any] : [])];
  const known = entry.others || entry.any?.length === 0 || entry.listed.size > 0;
  return known || words.length === 0 || words.some((word) => word !== 'NXDOMAIN');
}

/** Names that exist because longer ones do (RFC 8020 §2). */
function parentsOf(recording: Recording): Set<string> {
  const parents = new Set<string>();
  for (const [name, entry] of recording) {
    if (!isThere(entry)) continue;
    for (let parent = parentOf(name); parent !== null && !parents.has(parent); parent = parentOf(parent))
      parents.add(parent);
  }
  return parents;
}

/** The nearest name at or above that says so decides. */
function isSecure(recording: Recording, name: string): boolean {
  for (let at: string | null = name; at !== null; at = parentOf(at)) {
    const secure = recording.get(at)?.secure ?? null;
    if (secure !== null) return secure;
  }
  return false;
}

type Told = {
  readonly name: string;
  readonly type: RecordType;
  readonly at: string;
  readonly cnames: readonly string[];
  readonly dnssec: Dnssec;
};

function conclude<T extends RecordType>(finding: Finding<T>, told: Told): Answer<RecordData[T]> {
  const { name, type, at, cnames, dnssec } = told;
  const meta = { name, type, dnssec, cnames, ede: [], ttl: null, server: 'cache' };
  const end = cnames.length === 0 ? {} : { owner: at };
  if (finding.kind === 'records' && finding.records.length > 0)
    return { ...meta, kind: 'found', records: finding.records, owner: at };
  if (finding.kind === 'word') return concludeWord(finding.word, { ...meta, ...end });
  const absent = finding.kind === 'unlisted' && !finding.exists;
  return { ...meta, ...end, kind: absent ? 'absent' : 'empty' };
}

function concludeWord(word: Word, meta: Omit<Answer<never> & { kind: 'absent' }, 'kind'>): Answer<never> {
  if (word === 'NXDOMAIN') return { ...meta, kind: 'absent' };
  const message = `recorded as ${word}`;
  if (word === 'BOGUS') return { ...meta, kind: 'failed', rcode: 'SERVFAIL', message, dnssec: 'bogus' };
  return { ...meta, kind: 'failed', rcode: word, message, dnssec: 'indeterminate' };
}

function loop(name: string, type: RecordType, at: string, cnames: readonly string[]): Answer<never> {
  const meta = { name, type, dnssec: 'indeterminate', cnames, ede: [], ttl: null, server: 'cache' } as const;
  const message = `CNAMEs go in a circle, or there are more than ${MAX_CNAMES}`;
  return { ...meta, kind: 'failed', rcode: 'LOOP', message, owner: at };
}

type Before = { readonly asked: string; readonly cnames: readonly string[]; readonly dnssec: Dnssec };

/** Put the recorded part of the way before what the fallback found. */
function goOn<D>(answer: Answer<D>, { asked, cnames, dnssec }: Before): Answer<D> {
  if (cnames.length === 0) return answer;
  const whole = [...cnames, ...answer.cnames];
  const weaker = answer.dnssec === 'secure' ? dnssec : answer.dnssec;
  const owner = answer.owner ?? answer.name;
  return { ...answer, name: asked, cnames: whole, dnssec: weaker, owner };
}
