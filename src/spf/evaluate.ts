import { reverseName } from '../dns/names.ts';
import { type Address, parseAddress } from '../net/address.ts';
import { expandMacros, type MacroPart, type MacroValues, parseMacros, usesMacro } from './macro.ts';
import { asciiName, isAskable, isWithin, shortened } from './names.ts';
import { type Ask, MAX_NAMES, type Questions, SpfStop } from './questions.ts';
import {
  isSpfRecord,
  type Mechanism,
  parseRecord,
  type Qualifier,
  type SpfRecord,
  termsOf,
} from './record.ts';
import {
  MAX_SHOWN,
  MAX_TERMS,
  type SpfResult,
  type SpfTerm,
  type SpfTree,
  type TermOutcome,
} from './types.ts';

/** What stays the same from record to record. */
export type Evaluation = { readonly questions: Questions; readonly values: MacroValues };

/** A record with what its result needs on the way back. */
export type Evaluated = {
  readonly tree: SpfTree;
  /** Explanation of the domain's owner, for `fail` (RFC 7208 §6.2); untrusted text. */
  readonly explanation: string | null;
};

/** Characters of an explanation that are kept; a reply line of SMTP has 512 octets (RFC 5321 §4.5.3.1.5). */
const MAX_EXPLANATION = 1000;

const RESULTS: Readonly<Record<Qualifier, SpfResult>> = {
  '+': 'pass',
  '-': 'fail',
  '~': 'softfail',
  '?': 'neutral',
};

/**
 * `check_host()` (RFC 7208 §4) for one domain: fetch its record, check all of its syntax, and evaluate it term by
 * term. Result and tree are one value, so they cannot disagree.
 *
 * @param explain  look up the explanation of a `fail`; not wanted below an `include`
 */
export async function checkHost(domain: string, run: Evaluation, explain: boolean): Promise<Evaluated> {
  if (!isAskable(domain)) return end(domain, 'none', `"${domain}" is no domain that can have a record.`);
  const found = await findRecord(domain, run.questions.ask);
  if ('result' in found) return end(domain, found.result, found.reason);
  const record = parseRecord(found.text);
  if (typeof record === 'string') {
    const terms = termsOf(found.text).map(notReached);
    const base = { domain, record: found.text, result: 'permerror', reason: record } as const;
    return { tree: treeOf(base, terms), explanation: null };
  }
  return evaluateRecord({ domain, text: found.text, record }, run, explain);
}

function end(domain: string, result: SpfResult, reason: string): Evaluated {
  return { tree: treeOf({ domain, record: null, result, reason }, []), explanation: null };
}

/** Terms beyond a number are left out, but for the one that decided. */
function treeOf(
  base: Pick<SpfTree, 'domain' | 'record' | 'result' | 'reason'>,
  terms: readonly SpfTerm[],
): SpfTree {
  const shown = terms.slice(0, MAX_TERMS);
  const decisive = terms.findIndex(({ outcome }) => outcome !== 'no-match' && outcome !== 'not-reached');
  const late = decisive < MAX_TERMS ? [] : terms.slice(decisive, decisive + 1);
  return { ...base, terms: [...shown, ...late], omitted: terms.length - shown.length - late.length };
}

type Missing = { readonly result: 'none' | 'temperror' | 'permerror'; readonly reason: string };

async function findRecord(domain: string, ask: Ask): Promise<{ readonly text: string } | Missing> {
  try {
    const texts = (await ask(domain, 'TXT')).map((strings) => strings.join('')).filter(isSpfRecord);
    const [text, another] = texts;
    if (text === undefined) return { result: 'none', reason: `${domain} has no SPF record.` };
    if (another === undefined) return { text };
    return { result: 'permerror', reason: `${domain} has ${texts.length} SPF records.` };
  } catch (error) {
    const { result, message } = stopOf(error);
    return { result, reason: message };
  }
}

/** @throws what is no SpfStop */
function stopOf(error: unknown): SpfStop {
  if (error instanceof SpfStop) return error;
  throw error;
}

type Found = { readonly domain: string; readonly text: string; readonly record: SpfRecord };

async function evaluateRecord(found: Found, run: Evaluation, explain: boolean): Promise<Evaluated> {
  const { domain, text, record } = found;
  const terms: SpfTerm[] = [];
  let ended: { readonly outcome: TermOutcome; readonly qualifier: Qualifier } | null = null;
  for (const mechanism of record.mechanisms) {
    const term: SpfTerm =
      ended === null ? await evaluateTerm(mechanism, domain, run) : notReached(mechanism.text);
    if (ended === null && term.outcome !== 'no-match')
      ended = { outcome: term.outcome, qualifier: mechanism.qualifier };
    terms.push(term);
  }
  if (ended === null && record.redirect !== null)
    return redirect(found, record.redirect.spec, terms, run, explain);
  const result = ended === null ? 'neutral' : resultOf(ended.outcome, ended.qualifier);
  const rest = record.redirect === null ? [] : [notReached(record.redirect.text)];
  const tree = treeOf({ domain, record: text, result, reason: reasonOf(terms) }, [...terms, ...rest]);
  const explanation =
    explain && result === 'fail' && record.exp !== null
      ? await explanationOf(record.exp.spec, domain, run)
      : null;
  return { tree, explanation };
}

function resultOf(outcome: TermOutcome, qualifier: Qualifier): SpfResult {
  return outcome === 'temperror' || outcome === 'permerror' ? outcome : RESULTS[qualifier];
}

/** The note of the term that broke the evaluation. */
function reasonOf(terms: readonly SpfTerm[]): string | null {
  const broken = terms.find(({ outcome }) => outcome === 'temperror' || outcome === 'permerror');
  return broken === undefined ? null : broken.note;
}

function notReached(term: string): SpfTerm {
  return { term, outcome: 'not-reached', lookups: 0, target: null, found: [], note: null, below: null };
}

/** RFC 7208 §6.1: the result is that of the other domain, its explanation included. */
async function redirect(
  { domain, text, record }: Found,
  spec: readonly MacroPart[],
  before: readonly SpfTerm[],
  run: Evaluation,
  explain: boolean,
): Promise<Evaluated> {
  const written = record.redirect?.text ?? '';
  const counted = run.questions.lookups;
  let explanation: string | null = null;
  const term = await settled(written, counted, run.questions, async () => {
    const target = await targetOf(spec, domain, run);
    if (target.name === null) throw new SpfStop('permerror', target.note);
    run.questions.spend();
    const other = await checkHost(target.name, run, explain);
    explanation = other.explanation;
    const below = other.tree;
    if (below.result === 'none')
      return { outcome: 'permerror', target: target.name, below, note: `${target.name} has no SPF record.` };
    const broken = below.result === 'temperror' || below.result === 'permerror';
    return {
      outcome: broken ? below.result : 'match',
      target: target.name,
      below,
      note: broken ? below.reason : null,
    };
  });
  const broken = term.outcome === 'temperror' || term.outcome === 'permerror';
  const result = broken ? (term.outcome as SpfResult) : (term.below?.result ?? 'neutral');
  const tree = treeOf({ domain, record: text, result, reason: term.note }, [...before, term]);
  return { tree, explanation };
}

type Outcome = Pick<SpfTerm, 'outcome'> & Partial<Omit<SpfTerm, 'term' | 'outcome' | 'lookups'>>;

/** Evaluate a term; a limit or an error that ends the evaluation becomes its outcome. */
async function settled(
  term: string,
  counted: number,
  questions: Questions,
  work: () => Promise<Outcome>,
): Promise<SpfTerm> {
  let outcome: Outcome;
  try {
    outcome = await work();
  } catch (error) {
    const { result, message } = stopOf(error);
    outcome = { outcome: result, note: message };
  }
  return { ...notReached(term), ...outcome, lookups: questions.lookups - counted };
}

function evaluateTerm(mechanism: Mechanism, domain: string, run: Evaluation): Promise<SpfTerm> {
  const { questions } = run;
  return settled(mechanism.text, questions.lookups, questions, () => match(mechanism, domain, run));
}

async function match(mechanism: Mechanism, domain: string, run: Evaluation): Promise<Outcome> {
  switch (mechanism.kind) {
    case 'all':
      return { outcome: 'match' };
    case 'ip4':
    case 'ip6': {
      const { client } = run.values;
      return verdict(inNetwork(client.bytes, mechanism.network, mechanism.bits));
    }
    case 'include':
      return withTarget(mechanism.spec, domain, run, (target) => matchInclude(target, run), 'permerror');
    case 'exists':
      return withTarget(mechanism.spec, domain, run, (target) => matchExists(target, run));
    case 'ptr':
      return withTarget(mechanism.spec, domain, run, (target) => matchPtr(target, run));
    case 'a':
      return withTarget(mechanism.spec, domain, run, (target) => matchA(target, mechanism, run));
    case 'mx':
      return withTarget(mechanism.spec, domain, run, (target) => matchMx(target, mechanism, run));
  }
}

function verdict(matched: boolean): Outcome {
  return { outcome: matched ? 'match' : 'no-match' };
}

type Target =
  | { readonly name: string; readonly note?: never }
  | { readonly name: null; readonly note: string };

/** RFC 7208 §4.8: a target that is no name matches nothing; in an `include` it is an error. */
async function withTarget(
  spec: readonly MacroPart[] | null,
  domain: string,
  run: Evaluation,
  work: (target: string) => Promise<Outcome>,
  otherwise: 'no-match' | 'permerror' = 'no-match',
): Promise<Outcome> {
  const target = spec === null ? { name: domain } : await targetOf(spec, domain, run);
  if (target.name !== null) return { target: target.name, ...(await workOn(target.name, work)) };
  const local = target.note === FOREIGN_LOCAL_PART;
  return { outcome: local ? 'no-match' : otherwise, note: target.note };
}

/** An error below keeps the name that it is about. */
async function workOn(name: string, work: (target: string) => Promise<Outcome>): Promise<Outcome> {
  try {
    return await work(name);
  } catch (error) {
    const { result, message } = stopOf(error);
    return { outcome: result, target: name, note: message };
  }
}

const FOREIGN_LOCAL_PART = 'The local part of the sender is not ASCII, so that no name can be made of it.';

async function targetOf(spec: readonly MacroPart[], domain: string, run: Evaluation): Promise<Target> {
  // RFC 8616 §4: such a term matches nothing.
  if (usesMacro(spec, 'sl') && /[^\0-\x7f]/.test(run.values.sender.local))
    return { name: null, note: FOREIGN_LOCAL_PART };
  const validated = usesMacro(spec, 'p') ? await validatedName(domain, run, true) : 'unknown';
  const name = shortened(asciiName(expandMacros(spec, run.values, domain, validated)));
  return isAskable(name) ? { name } : { name: null, note: `"${name}" is no name that can be asked.` };
}

async function matchInclude(target: string, run: Evaluation): Promise<Outcome> {
  run.questions.spend();
  const { tree: below } = await checkHost(target, run, false);
  switch (below.result) {
    case 'pass':
      return { outcome: 'match', below };
    case 'fail':
    case 'softfail':
    case 'neutral':
      return { outcome: 'no-match', below };
    case 'none':
      return { outcome: 'permerror', below, note: below.reason };
    case 'temperror':
    case 'permerror':
      return { outcome: below.result, below, note: below.reason };
  }
}

async function matchExists(target: string, { questions }: Evaluation): Promise<Outcome> {
  const addresses = await counted(questions, target, 'A');
  return { ...verdict(addresses.length > 0), found: addresses.slice(0, MAX_SHOWN) };
}

/** Ask what a term asks about: counted, and counted again when there is nothing. */
async function counted<T extends 'A' | 'AAAA' | 'MX' | 'PTR'>(questions: Questions, name: string, type: T) {
  questions.spend();
  const records = await questions.ask(name, type);
  if (records.length === 0) questions.noteVoid();
  return records;
}

type Prefixes = { readonly bits4: number; readonly bits6: number };

function addressType({ family }: Address): 'A' | 'AAAA' {
  return family === 4 ? 'A' : 'AAAA';
}

function isOneOf(client: Address, addresses: readonly string[], { bits4, bits6 }: Prefixes): boolean {
  const bits = client.family === 4 ? bits4 : bits6;
  return addresses.some((text) => {
    const address = parseAddress(text);
    return address !== null && inNetwork(client.bytes, address.bytes, bits);
  });
}

async function matchA(
  target: string,
  prefixes: Prefixes,
  { questions, values }: Evaluation,
): Promise<Outcome> {
  const addresses = await counted(questions, target, addressType(values.client));
  return { ...verdict(isOneOf(values.client, addresses, prefixes)), found: addresses.slice(0, MAX_SHOWN) };
}

async function matchMx(
  target: string,
  prefixes: Prefixes,
  { questions, values }: Evaluation,
): Promise<Outcome> {
  const exchangers = await counted(questions, target, 'MX');
  const hosts = exchangers
    .toSorted((a, b) => a.preference - b.preference)
    .map(({ exchange }) => exchange)
    .filter(isAskable);
  const found: string[] = [];
  for (const [index, host] of hosts.entries()) {
    // RFC 7208 §4.6.4: an error, other than for PTR.
    if (index === MAX_NAMES)
      throw new SpfStop('permerror', `${target} has more than ${MAX_NAMES} exchangers.`);
    const addresses = await questions.ask(host, addressType(values.client));
    found.push(...addresses);
    if (isOneOf(values.client, addresses, prefixes))
      return { outcome: 'match', found: found.slice(-MAX_SHOWN) };
  }
  return { outcome: 'no-match', found: found.slice(0, MAX_SHOWN) };
}

async function matchPtr(target: string, run: Evaluation): Promise<Outcome> {
  const names = await validatedNames(run, true);
  return { ...verdict(names.some((name) => isWithin(name, target))), found: names };
}

/** `%{p}` (RFC 7208 §7.3): the domain itself, else a name below it, else any validated one. */
async function validatedName(domain: string, run: Evaluation, count: boolean): Promise<string> {
  const names = await validatedNames(run, count);
  return (
    names.find((name) => name === domain) ??
    names.find((name) => isWithin(name, domain)) ??
    names[0] ??
    'unknown'
  );
}

/** Names of the client that lead back to it (RFC 7208 §5.5); none when the DNS fails. */
async function validatedNames({ questions, values }: Evaluation, count: boolean): Promise<string[]> {
  const { client } = values;
  if (count) questions.spend();
  const names = await lenient(questions.ask, reverseName(client.text) ?? '', 'PTR');
  if (names === null) return [];
  if (count && names.length === 0) questions.noteVoid();
  const validated: string[] = [];
  for (const name of names.slice(0, MAX_NAMES).filter(isAskable)) {
    const addresses = await lenient(questions.ask, name, addressType(client));
    if (isOneOf(client, addresses ?? [], { bits4: 32, bits6: 128 })) validated.push(name.toLowerCase());
  }
  return validated;
}

/** What was found; null when the DNS failed, unless the time is up. */
async function lenient<T extends 'A' | 'AAAA' | 'PTR'>(ask: Ask, name: string, type: T) {
  try {
    return await ask(name, type);
  } catch (error) {
    if (stopOf(error).late) throw error;
    return null;
  }
}

/** RFC 7208 §6.2: whatever goes wrong, there is no explanation then. */
async function explanationOf(
  spec: readonly MacroPart[],
  domain: string,
  run: Evaluation,
): Promise<string | null> {
  const { questions, values } = run;
  try {
    const target = await targetOf(spec, domain, run);
    if (target.name === null) return null;
    const [strings, another] = await questions.ask(target.name, 'TXT');
    if (strings === undefined || another !== undefined) return null;
    const parts = parseMacros(strings.join(''), { blanks: true, allLetters: true });
    if (typeof parts === 'string') return null;
    if (usesMacro(parts, 'sl') && /[^\0-\x7f]/.test(values.sender.local)) return null;
    const validated = usesMacro(parts, 'p') ? await validatedName(domain, run, false) : 'unknown';
    return expandMacros(parts, values, domain, validated).slice(0, MAX_EXPLANATION) || null;
  } catch (error) {
    stopOf(error);
    return null;
  }
}

/** @returns whether two addresses of one family agree in the first bits */
function inNetwork(address: Uint8Array, network: Uint8Array, bits: number): boolean {
  if (address.length !== network.length) return false;
  return network.every((byte, index) => {
    const keep = Math.min(Math.max(bits - index * 8, 0), 8);
    return (byte ^ (address[index] ?? 0)) >> (8 - keep) === 0;
  });
}
