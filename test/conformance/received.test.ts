import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { readHeader } from '../../src/message/headers.ts';
import { parseReceived } from '../../src/received/parse.ts';
import { describePath } from '../../src/received/path.ts';
import type { Trace } from '../../src/received/types.ts';
import { conformance } from '../helpers/debian.ts';

/** What somebody else says of a line; see README.md of the data. */
type Expectation = Readonly<Record<string, unknown>>;

type Case = {
  readonly id: string;
  readonly file: string;
  readonly kind: 'received-line' | 'message';
  readonly expected: Expectation & { readonly hops_top_to_bottom?: readonly Expectation[] };
};

/** One statement and what we say to it. */
type Statement = { readonly id: string; readonly key: string; readonly want: unknown; readonly got: unknown };

/** The data, or a skipped test. */
type Data = { readonly cases: readonly Case[]; readonly read: (file: string) => Buffer };

function open(context: TestContext): Data {
  const folder = join(conformance(context), 'received');
  const rows = readFileSync(join(folder, 'index.jsonl'), 'utf8').trim().split('\n');
  return { cases: rows.map((row) => JSON.parse(row)), read: (file) => readFileSync(join(folder, file)) };
}

const hopsOf = (bytes: Uint8Array) =>
  describePath(readHeader(bytes), { nowMs: Date.now() }).hops.toReversed();

/** Every parsed line with what is expected of it. */
function* linesOf(data: Data): Generator<readonly [id: string, expected: Expectation, trace: Trace]> {
  for (const { id, file, kind, expected } of data.cases) {
    if (kind === 'received-line') {
      yield [id, expected, parseReceived(data.read(file).toString())];
      continue;
    }
    for (const [index, hop] of hopsOf(data.read(file)).entries()) {
      yield [`${id}/${index}`, expected.hops_top_to_bottom?.[index] ?? {}, hop];
    }
  }
}

/** Their names of what we call otherwise. */
function field(trace: Trace, key: string): unknown {
  switch (key) {
    case 'from_ip':
      return trace.from.ip;
    case 'helo':
      return trace.from.helo;
    case 'rdns':
      return trace.from.rdns;
    case 'ident':
      return trace.from.ident;
    case 'envelope_from':
      return trace.envelopeFrom;
    case 'date_utc':
      return trace.date;
    case 'date_utc_ms':
      return trace.date === null ? null : Date.parse(trace.date);
    case 'tls_version':
      return trace.tls?.version ?? null;
    case 'tls_cipher':
      return trace.tls?.cipher ?? null;
    case 'tls_bits':
      return trace.tls?.bits ?? null;
    case 'tls_kex':
      return trace.tls?.keyExchange ?? null;
    case 'client_verify':
      return trace.tls?.verify ?? null;
    case 'by':
    case 'id':
    case 'for':
    case 'with':
    case 'via':
      return trace[key];
    default:
      return undefined;
  }
}

function statementsOf(data: Data): Statement[] {
  const found: Statement[] = [];
  for (const [id, expected, trace] of linesOf(data)) {
    for (const [key, want] of Object.entries(expected)) {
      const got = field(trace, key);
      if (got !== undefined) found.push({ id, key, want, got });
    }
  }
  return found;
}

/**
 * Where we differ on purpose, by `id key`.
 *
 * - `no name`: an address is no verified name; Yahoo repeats the address where it found none
 * - `login`: the account that logged in is not the reverse-path (RFC 5321 §4.1.1.2); we have it as `auth.user`
 *   or `from.ident`
 * - `no time`: a day without a time of day is no instant
 * - `cut`: the expectation is the first run of letters, we give the clause as it is written
 */
const DIFFERENCES: Readonly<Record<string, 'no name' | 'login' | 'no time' | 'cut'>> = {
  'spamassassin-091 rdns': 'no name',
  'pyreceived-042 envelope_from': 'login',
  'pyreceived-043 envelope_from': 'login',
  'pyreceived-044 envelope_from': 'login',
  'pyreceived-045 envelope_from': 'login',
  'pyreceived-063 envelope_from': 'login',
  'mha-019 date_utc_ms': 'no time',
  'real-mail-parser-010 with': 'cut',
  'messages-spamscope-009/3 with': 'cut',
  'messages-spamscope-010/4 with': 'cut',
  'messages-spamscope-010/5 with': 'cut',
  'messages-spamscope-010/10 with': 'cut',
  'messages-spamscope-010/11 with': 'cut',
  'messages-spamscope-010/12 with': 'cut',
  'messages-spamscope-010/13 with': 'cut',
};

/**
 * Software that writes SMTP or ESMTP with and without TLS. The data takes the missing S for plaintext, the
 * fact sheet (B10, requirement 72) wants unknown, and we follow the fact sheet: a plaintext alarm for every
 * message to a qmail host with a TLS wrapper would teach people to ignore alarms.
 */
const SILENT = /^(?:qmail|Domino|this filter|MDaemon before 19) d(?:oes|id) not write/;

test('whether a hop was encrypted is right wherever the line tells', (context) => {
  const data = open(context);
  const wrong: string[] = [];
  let stated = 0;
  for (const [id, { encrypted: want }, trace] of linesOf(data)) {
    if (typeof want !== 'boolean') continue;
    stated += 1;
    const { encrypted: got, encryptedReason: why } = trace;
    // "local" is not plaintext; the data says false and, in most rows, local as well.
    const right = want
      ? got === 'yes'
      : got === 'no' || got === 'local' || (got === 'unknown' && SILENT.test(why));
    if (!right) wrong.push(`${id}: ${got}, ${why}`);
  }
  expect(wrong).toEqual([]);
  expect(stated).toBeGreaterThan(0);
});

test('no hop is called encrypted that is not', (context) => {
  const data = open(context);
  const wrong: string[] = [];
  for (const [id, { encrypted: want }, trace] of linesOf(data)) {
    // HTTPS between Exchange servers: the data has no opinion, fact sheet C1 says yes.
    const https = want === null && trace.with === 'HTTPS';
    if ((want === false || want === null) && trace.encrypted === 'yes' && !https) wrong.push(id);
  }
  expect(wrong).toEqual([]);
});

test('what the data calls local is internal', (context) => {
  const data = open(context);
  const wrong = [...linesOf(data)].filter(([, { local }, trace]) => local === true && !trace.internal);
  expect(wrong.map(([id]) => id)).toEqual([]);
});

test('fields agree, and every difference has its reason', (context) => {
  const data = open(context);
  const all = statementsOf(data);
  const different = all.filter(({ want, got }) => want !== got).map(({ id, key }) => `${id} ${key}`);
  expect(new Set(different)).toEqual(new Set(Object.keys(DIFFERENCES)));
  expect(1 - different.length / all.length).toBeGreaterThanOrEqual(0.98);
});

test('every hop of a message is found', (context) => {
  const data = open(context);
  for (const { file, kind, expected } of data.cases) {
    if (kind === 'message') expect(hopsOf(data.read(file))).toHaveLength(Number(expected['hop_count']));
  }
});

test('every file cut at many places', (context) => {
  const data = open(context);
  for (const { file } of data.cases) {
    const bytes = data.read(file);
    const step = Math.max(1, Math.floor(bytes.length / 40));
    for (let end = 0; end <= bytes.length; end += step) {
      const part = bytes.subarray(0, end);
      expect(() => hopsOf(part)).not.toThrow();
      expect(() => parseReceived(part.toString('latin1'))).not.toThrow();
    }
  }
});
