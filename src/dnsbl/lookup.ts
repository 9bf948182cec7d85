import type { Resolver } from '../dns/types.ts';
import { meaningOf } from './codes.ts';
import { labelsOf } from './subject.ts';
import type { DnsList, ListAnswer, Subject } from './types.ts';

/** Characters of a list's own words that are kept. */
const MAX_TEXT = 300;

/** Ask, and the key of the list's operator that has to stand in the name; null without one. */
export type Asking = { readonly dns: Resolver; readonly key: string | null };

/** What a list says of a subject, with its own words where it says something. */
export async function askList(list: DnsList, subject: Subject, asking: Asking): Promise<ListAnswer> {
  const labels = labelsOf(subject, list);
  const answer = await askName(list, labels, asking);
  if (answer.codes.length === 0) return answer;
  return { ...answer, text: await wordsOf(nameOf(list, labels, asking.key), asking) };
}

/** The name to ask, which may hold a key and is therefore never part of an answer. */
function nameOf(list: DnsList, labels: string, key: string | null): string {
  return `${labels}.${key !== null && list.keyedZone !== undefined ? `${key}.${list.keyedZone}` : list.zone}`;
}

async function askName(list: DnsList, labels: string, { dns, key }: Asking): Promise<ListAnswer> {
  const name = nameOf(list, labels, key);
  if (name.length > 253) return without('error', 'The name is too long to be asked.');
  const answer = await dns.resolve(name, 'A');
  switch (answer.kind) {
    case 'found':
      return readAnswer(list, answer.records);
    case 'empty':
    case 'absent':
      return without('not-listed', null);
    case 'failed':
      return answer.rcode === 'TIMEOUT'
        ? without('timeout', 'No answer in time.')
        : without('error', `The question failed: ${answer.rcode}.`);
  }
}

function without(outcome: ListAnswer['outcome'], reason: string | null): ListAnswer {
  return { outcome, codes: [], text: null, reason };
}

/** One code that is an error spoils the answer: what else is in it cannot be relied on. */
function readAnswer(list: DnsList, addresses: readonly string[]): ListAnswer {
  const codes = addresses.slice(0, 20).map((address) => ({ address, ...meaningOf(list, address) }));
  const wrong = codes.find(({ kind }) => kind === 'error');
  const plain = codes.map(({ address, meaning }) => ({ address, meaning }));
  if (wrong === undefined) return { outcome: 'listed', codes: plain, text: null, reason: null };
  return { outcome: 'error', codes: plain, text: null, reason: `${wrong.address}: ${wrong.meaning}` };
}

async function wordsOf(name: string, { dns, key }: Asking): Promise<string | null> {
  const answer = await dns.resolve(name, 'TXT');
  if (answer.kind !== 'found') return null;
  const text = answer.records.map((strings) => strings.join('')).join(' ');
  return (key === null ? text : text.replaceAll(key, '(key)')).slice(0, MAX_TEXT);
}

/** Whether a list can be believed in this run. */
export type ListTest = { readonly usable: true } | { readonly usable: false; readonly answer: ListAnswer };

/** Names that have to be on a list, and one that must not (RFC 5782 §5). */
function testPoints(
  list: DnsList,
  subject: Subject,
): { readonly on: readonly string[]; readonly off: string } {
  switch (subject.kind) {
    case 'ipv4':
      return { on: ['2.0.0.127'], off: '1.0.0.127' };
    case 'ipv6':
      return { on: [mapped('2')], off: mapped('1') };
    case 'domain':
      return { on: [...(list.testNames ?? []), 'test'], off: 'invalid' };
  }
}

/** `::FFFF:7F00:2` and `::FFFF:7F00:1` in nibbles. */
function mapped(last: string): string {
  return `${last}.0.0.0.0.0.f.7.f.f.f.f.${'0.'.repeat(20)}`.slice(0, -1);
}

/** Test a list: what is always on it must be, what never is must not. */
export async function testList(list: DnsList, subject: Subject, asking: Asking): Promise<ListTest> {
  const { on, off } = testPoints(list, subject);
  const [never, ...always] = await Promise.all([off, ...on].map((name) => askName(list, name, asking)));
  if (never?.outcome === 'listed') return broken('Everything is on it.');
  if (always.some(({ outcome }) => outcome === 'listed')) return { usable: true };
  const failed = always.find(({ outcome }) => outcome !== 'not-listed');
  return failed === undefined
    ? broken('Nothing is on it, not even what always is: it is switched off, or refuses this resolver.')
    : { usable: false, answer: failed };
}

function broken(reason: string): ListTest {
  return { usable: false, answer: without('broken', reason) };
}
