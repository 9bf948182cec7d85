import { normalName, parentOf, type Word } from './recording.ts';
import type { Answer, RecordData, RecordType, Resolver } from './types.ts';

/** Collects what is asked; `toJSON` gives the document of `--dns-cache`. */
export interface Recorder extends Resolver {
  toJSON(): Readonly<Record<string, unknown>>;
}

export type RecorderMeta = {
  /** ISO 8601. */
  readonly recorded: string;
  readonly resolver: string;
};

type Entry = {
  readonly types: Map<string, unknown>;
  /** What was seen of this name: all secure, something insecure, or nothing to tell from. */
  secure: boolean | null;
};

/**
 * Pass questions on and keep the answers. Whatever failed without the word of a server (network, budget, a
 * malformed reply) is written as `"TIMEOUT"`, other response codes as `"SERVFAIL"`: the format has no more words,
 * and either reads as "could not tell". A name that does not exist is `{"*": "NXDOMAIN"}`.
 */
export function recorder(resolver: Resolver, meta?: RecorderMeta): Recorder {
  const names = new Map<string, Entry>();
  return {
    async resolve(name, type) {
      const answer = await resolver.resolve(name, type);
      note(names, answer);
      return answer;
    },
    toJSON: () => write(names, meta),
  };
}

function note<T extends RecordType>(names: Map<string, Entry>, answer: Answer<RecordData[T]>): void {
  const { cnames, dnssec } = answer;
  const end = answer.owner ?? normalName(answer.name);
  for (const [index, name] of cnames.entries())
    entryOf(names, name).types.set('CNAME', [nodeName(cnames[index + 1] ?? end)]);
  const isLoop = answer.kind === 'failed' && answer.rcode === 'LOOP'; // the CNAMEs say it
  if (!isLoop) entryOf(names, end).types.set(answer.type, contentOf(answer));
  if (dnssec === 'secure') for (const name of [...cnames, end]) entryOf(names, name).secure ??= true;
  // Which link of a chain was insecure is not told; to say it of the last is enough to read it back.
  else if (dnssec === 'insecure') entryOf(names, end).secure = false;
}

function entryOf(names: Map<string, Entry>, name: string): Entry {
  const entry = names.get(name) ?? { types: new Map(), secure: null };
  names.set(name, entry);
  return entry;
}

function contentOf<T extends RecordType>(answer: Answer<RecordData[T]>): unknown {
  switch (answer.kind) {
    case 'found':
      return nodeForm(answer.type, answer.records);
    case 'empty':
      return [];
    case 'absent':
      return 'NXDOMAIN';
    case 'failed':
      return wordFor(answer.dnssec === 'bogus' ? 'BOGUS' : answer.rcode);
  }
}

const SILENT = new Set(['TIMEOUT', 'NETWORK', 'MALFORMED', 'REFERRAL', 'BUDGET', 'OFFLINE']);

function wordFor(rcode: string): Word {
  if (SILENT.has(rcode)) return 'TIMEOUT';
  return rcode === 'REFUSED' || rcode === 'BOGUS' ? rcode : 'SERVFAIL';
}

type Writers = { readonly [T in RecordType]?: (data: RecordData[T]) => unknown };

/** Where Node's form is not ours. */
const WRITERS: Writers = {
  CNAME: nodeName,
  NS: nodeName,
  PTR: nodeName,
  MX: ({ preference, exchange }) => ({ priority: preference, exchange: nodeName(exchange) }),
  SOA: ({ mname, rname, minimum, ...numbers }) => ({
    nsname: nodeName(mname),
    hostmaster: nodeName(rname),
    ...numbers,
    minttl: minimum,
  }),
  SRV: ({ target, ...numbers }) => ({ ...numbers, name: nodeName(target) }),
  CAA: ({ flags, tag, value }) =>
    Object.fromEntries([
      ['critical', flags],
      [tag, value],
    ]),
};

function nodeForm<T extends RecordType>(type: RecordType, records: readonly RecordData[T][]): unknown {
  const write = WRITERS[type as T];
  const list = write === undefined ? records : records.map((data) => write(data));
  return type === 'SOA' ? list[0] : list;
}

/** Node writes the root as an empty text. */
function nodeName(name: string): string {
  return name === '.' ? '' : name;
}

/** `Object.fromEntries` makes own properties even of `__proto__`. */
function write(names: ReadonlyMap<string, Entry>, meta?: RecorderMeta): Readonly<Record<string, unknown>> {
  const rows = [...names].map(([name, entry]) => [name, writeName(names, name, entry)] as const);
  rows.sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries([...(meta === undefined ? [] : [['@meta', meta] as const]), ...rows]);
}

function writeName(names: ReadonlyMap<string, Entry>, name: string, entry: Entry): unknown {
  const contents = [...entry.types.values()];
  const isAbsent = contents.length > 0 && contents.every((content) => content === 'NXDOMAIN');
  const types = isAbsent ? [['*', 'NXDOMAIN'] as const] : [...entry.types];
  // What is insecure needs telling only below a name that is secure.
  const isTold = entry.secure === true || (entry.secure === false && isBelowSecure(names, name));
  return Object.fromEntries(isTold ? [...types, ['secure', entry.secure]] : types);
}

function isBelowSecure(names: ReadonlyMap<string, Entry>, name: string): boolean {
  for (let above = parentOf(name); above !== null; above = parentOf(above))
    if (names.get(above)?.secure === true) return true;
  return false;
}
