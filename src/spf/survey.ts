import { boundedResolver } from '../dns/bounded.ts';
import type { Resolver } from '../dns/types.ts';
import { type MacroPart, usesMacro } from './macro.ts';
import { asciiName, isAskable } from './names.ts';
import { createQuestions, MAX_NAMES, type Questions, SpfStop } from './questions.ts';
import { isSpfRecord, type Mechanism, parseRecord, type SpfRecord } from './record.ts';

/** A record that a survey came to. */
export type SurveyedRecord = {
  readonly domain: string;
  /** The domains that led here, the one asked about first. */
  readonly path: readonly string[];
  /** Below an `include`, where only `pass` counts. */
  readonly included: boolean;
  /** Terms of this record itself that look something up. */
  readonly lookups: number;
  readonly state:
    | { readonly kind: 'read'; readonly text: string; readonly record: SpfRecord }
    | { readonly kind: 'none' }
    | { readonly kind: 'several'; readonly count: number }
    | { readonly kind: 'wrong'; readonly text: string; readonly reason: string }
    | { readonly kind: 'unknown'; readonly reason: string }
    | { readonly kind: 'loop' };
};

/** A name that a term asks about and that has nothing to say. */
export type VoidTerm = { readonly domain: string; readonly term: string; readonly target: string };

/** Everything that a record can lead to, whoever the client is. */
export type SpfSurvey = {
  readonly domain: string;
  readonly records: readonly SurveyedRecord[];
  /** Terms that look something up if none before them matches (RFC 7208 §4.6.4). */
  readonly lookups: number;
  readonly voids: readonly VoidTerm[];
  /** `mx` terms whose domain has more exchangers than are asked. */
  readonly crowded: readonly VoidTerm[];
  /** Not everything was looked at: there is too much of it, or too little time. */
  readonly cut: boolean;
};

/** Most records that are read: far more than the ten that may be. */
const MAX_RECORDS = 50;
const BOUNDS = { queries: 250, questionMs: 15_000, totalMs: 30_000 };

type Walk = {
  readonly questions: Questions;
  readonly records: SurveyedRecord[];
  readonly voids: VoidTerm[];
  readonly crowded: VoidTerm[];
  lookups: number;
  cut: boolean;
};

/**
 * Read a domain's SPF record and all records that it leads to, as if nothing ever matched: what the limits say
 * to the longest way. Names with macros in them depend on the message and are counted but not followed.
 */
export async function surveySpf(domain: string, dns: Resolver): Promise<SpfSurvey> {
  const questions = createQuestions(boundedResolver(dns, BOUNDS), performance.now() + BOUNDS.totalMs);
  const walk: Walk = { questions, records: [], voids: [], crowded: [], lookups: 0, cut: false };
  await visit(asciiName(domain), [], false, walk);
  const { records, voids, crowded, lookups, cut } = walk;
  return { domain: asciiName(domain), records, lookups, voids, crowded, cut };
}

async function visit(domain: string, path: readonly string[], included: boolean, walk: Walk): Promise<void> {
  if (walk.records.length === MAX_RECORDS) {
    walk.cut = true;
    return;
  }
  const state: SurveyedRecord['state'] = path.includes(domain)
    ? { kind: 'loop' }
    : await read(domain, walk.questions);
  const lookups = state.kind === 'read' ? lookupsOf(state.record) : 0;
  walk.records.push({ domain, path, included, lookups, state });
  walk.lookups += lookups;
  if (state.kind !== 'read') return;
  const { mechanisms, redirect } = reachable(state.record);
  for (const mechanism of mechanisms) await follow(mechanism, domain, path, walk);
  const target = redirect === null ? null : nameOf(redirect.spec, domain);
  if (target !== null) await visit(target, [...path, domain], included, walk);
}

/** RFC 7208 §5.1: nothing behind "all" is ever reached, a redirect neither. */
function reachable({ mechanisms, redirect }: SpfRecord): Pick<SpfRecord, 'mechanisms' | 'redirect'> {
  const all = mechanisms.findIndex(({ kind }) => kind === 'all');
  return all === -1 ? { mechanisms, redirect } : { mechanisms: mechanisms.slice(0, all), redirect: null };
}

/** RFC 7208 §4.6.4: terms that ask the DNS, and every `%{p}`, which asks for the client's name. */
function lookupsOf(record: SpfRecord): number {
  const { mechanisms, redirect } = reachable(record);
  const specs = [
    ...mechanisms.filter((mechanism) => 'spec' in mechanism).map(({ spec }) => spec ?? []),
    ...(redirect === null ? [] : [redirect.spec]),
  ];
  return specs.reduce((sum, spec) => sum + (usesMacro(spec, 'p') ? 2 : 1), 0);
}

async function read(domain: string, questions: Questions): Promise<SurveyedRecord['state']> {
  if (!isAskable(domain)) return { kind: 'none' };
  try {
    const texts = (await questions.ask(domain, 'TXT')).map((strings) => strings.join(''));
    const [text, ...others] = texts.filter(isSpfRecord);
    if (text === undefined) return { kind: 'none' };
    if (others.length > 0) return { kind: 'several', count: others.length + 1 };
    const record = parseRecord(text);
    return typeof record === 'string'
      ? { kind: 'wrong', text, reason: record }
      : { kind: 'read', text, record };
  } catch (error) {
    if (error instanceof SpfStop) return { kind: 'unknown', reason: error.message };
    throw error;
  }
}

async function follow(
  mechanism: Mechanism,
  domain: string,
  path: readonly string[],
  walk: Walk,
): Promise<void> {
  if (!('spec' in mechanism)) return;
  const { kind } = mechanism;
  const target = mechanism.spec === null ? domain : nameOf(mechanism.spec, domain);
  if (target === null) return;
  if (kind === 'include') return visit(target, [...path, domain], true, walk);
  try {
    const term = { domain, term: mechanism.text, target };
    const { count, void: nothing } = await look(kind, target, walk.questions);
    if (nothing) walk.voids.push(term);
    if (count > MAX_NAMES) walk.crowded.push(term);
  } catch (error) {
    if (!(error instanceof SpfStop)) throw error;
    walk.cut = true;
  }
}

/** Whether there is anything for a client of either family. */
async function look(kind: 'a' | 'mx' | 'exists' | 'ptr', target: string, { ask }: Questions) {
  if (kind === 'ptr' || !isAskable(target)) return { count: 0, void: false };
  const [first, second] =
    kind === 'mx'
      ? [await ask(target, 'MX'), []]
      : [await ask(target, 'A'), kind === 'a' ? await ask(target, 'AAAA') : []];
  return { count: kind === 'mx' ? first.length : 0, void: first.length + second.length === 0 };
}

/** The name that a domain-spec stands for; null when it depends on the message. */
function nameOf(spec: readonly MacroPart[], domain: string): string | null {
  const plain = spec.map((part) => {
    if ('literal' in part) return part.literal;
    return part.letter === 'd' && part.keep === null && !part.reverse ? domain : null;
  });
  return plain.includes(null) ? null : asciiName(plain.join(''));
}
