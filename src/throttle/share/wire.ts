import { parseNetwork } from '../../net/network.ts';
import type { BlockCause } from '../engine.ts';
import { type Limits, MOST_LIMITS } from '../limits.ts';
import { checkedDetails, MODES, type Mode, type Policy, type Site } from '../site.ts';
import { siteName } from '../site-name.ts';
import type { Exemption } from '../store.ts';

// What nodes write for one another: plain text, read by hand, and whatever is strange in it is left out and counted.

/** Stands for all clients of a site together, where its budget is counted. */
export const EVERYBODY = '*';

/** What one node counted of one client in one second. */
export type CountRow = {
  readonly site: string;
  /** Seconds since the epoch. */
  readonly second: number;
  readonly client: string;
  readonly requests: number;
  readonly bytes: number;
};

/** Name of a thing, and what is to become of it: b, m, x, s, e as the script takes them. */
export type Operation = { readonly op: string; readonly field: string; readonly value: string };

/** A block as nodes tell of it; a lift has no more than its times. Milliseconds since the epoch. */
export type SharedBlock = {
  readonly isLift: boolean;
  readonly startMs: number;
  readonly untilMs: number;
  readonly limit: BlockCause;
  readonly requests: number;
  readonly bytes: number;
};

/** A site or an exemption with the time of its change; null when it was removed. */
export type Recorded<T> = { readonly atMs: number; readonly value: T | null };

const NUMBER = /^\d{1,15}$/;
const LONGEST_NAME = 255;
const LONGEST_CLIENT = 50;

function numberOf(text: string | undefined): number {
  return text !== undefined && NUMBER.test(text) ? Number(text) : Number.NaN;
}

/** A heading for the rows that follow. */
export function countHeading(second: number, site: string): string {
  return `@${second} ${site}\n`;
}

export function countLine(client: string, requests: number, bytes: number): string {
  return `${client} ${requests} ${bytes}\n`;
}

/** The rows in what another node counted; null for each that makes no sense. */
export function* readCounts(text: string): Generator<CountRow | null> {
  let second = Number.NaN;
  let site = '';
  for (const row of text.split('\n')) {
    if (row === '') continue;
    const [first = '', more, last] = row.split(' ', 4);
    if (first.startsWith('@')) {
      second = numberOf(first.slice(1));
      site = more ?? '';
      continue;
    }
    const [requests, bytes] = [numberOf(more), numberOf(last)];
    const isSound = Number.isFinite(second + requests + bytes) && requests < 2 ** 32;
    const isNamed = site !== '' && site.length <= LONGEST_NAME && first.length <= LONGEST_CLIENT;
    yield isSound && isNamed ? { site, second, client: first, requests, bytes } : null;
  }
}

/** The operations in what was taken; null for each that makes no sense. */
export function* readOperations(text: string): Generator<Operation | null> {
  for (const row of text.split('\n')) {
    if (row === '') continue;
    const [op = '', field, value] = row.split('\t', 4);
    yield field !== undefined && value !== undefined ? { op, field, value } : null;
  }
}

/** Name of a client on a site. */
export function blockField(site: string, client: string): string {
  return `${site} ${client}`;
}

/** @returns site and client */
export function readBlockField(field: string): readonly [site: string, client: string] | null {
  const [site = '', client = '', more] = field.split(' ', 3);
  return client !== '' && more === undefined ? [site, client] : null;
}

export function blockValue({
  startMs,
  untilMs,
  limit,
  requests,
  bytes,
}: Omit<SharedBlock, 'isLift'>): string {
  return `${startMs} ${untilMs} ${limit} ${requests} ${bytes}`;
}

export function liftValue(atMs: number, untilMs: number): string {
  return `${atMs} ${untilMs}`;
}

/** @param op  b, m or x */
export function readBlockValue(op: string, value: string): SharedBlock | null {
  const [start, until, cause, ofRequests, ofBytes] = value.split(' ', 6);
  const [startMs, untilMs] = [numberOf(start), numberOf(until)];
  if (!Number.isFinite(startMs + untilMs)) return null;
  if (op === 'x') return { isLift: true, startMs, untilMs, limit: 'manual', requests: 0, bytes: 0 };
  const limit = (['requests', 'bytes', 'manual'] as const).find((each) => each === cause);
  const [requests, bytes] = [numberOf(ofRequests), numberOf(ofBytes)];
  if (limit === undefined || !Number.isFinite(requests + bytes) || (op !== 'b' && op !== 'm')) return null;
  return { isLift: false, startMs, untilMs, limit, requests, bytes };
}

/** A record as it is kept: when it changed, and JSON. */
export function recordValue(atMs: number, value: unknown): string {
  return `${atMs} ${JSON.stringify(value)}`;
}

function readRecord(text: string): { readonly atMs: number; readonly json: unknown } | null {
  const at = text.indexOf(' ');
  const atMs = numberOf(text.slice(0, at));
  if (at === -1 || !Number.isFinite(atMs)) return null;
  try {
    return { atMs, json: JSON.parse(text.slice(at + 1)) as unknown };
  } catch {
    return null;
  }
}

type Fields = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function limitsIn(value: unknown): Limits | null {
  if (!isObject(value)) return null;
  const { requests, bytes } = value;
  const right = (each: unknown, most: number): each is number =>
    typeof each === 'number' && Number.isInteger(each) && each >= 1 && each <= most;
  return right(requests, MOST_LIMITS.requests) && right(bytes, MOST_LIMITS.bytes)
    ? { requests, bytes }
    : null;
}

function policyIn(value: unknown): Policy | null {
  if (!isObject(value)) return null;
  const limits = limitsIn(value['limits']);
  const mode = MODES.find((each): each is Mode => each === value['mode']);
  return limits !== null && mode !== undefined ? { limits, mode } : null;
}

function timeIn(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

/** A site without its number and name. */
export type SiteRecord = Omit<Site, 'number' | 'name'>;

/** A site as others are told of it: each node numbers its sites by itself. */
export function siteRecord({ aliases, policy, temporary, budget, refusal, note }: Site): SiteRecord {
  return { aliases, policy, temporary, budget, refusal, note };
}

function siteIn(value: unknown): SiteRecord | null {
  if (!isObject(value)) return null;
  const { aliases, note, refusal, temporary: later, budget: sum } = value;
  const policy = policyIn(value['policy']);
  const temporary = later === null ? null : policyIn(later);
  const untilMs = later === null ? 0 : timeIn((later as Fields | undefined)?.['untilMs']);
  const budget = sum === null ? null : limitsIn(sum);
  const isWhole = policy !== null && untilMs !== null && (refusal === 429 || refusal === 503);
  const isPart = (temporary === null) === (later === null) && (budget === null) === (sum === null);
  const areTexts = Array.isArray(aliases) && aliases.every((each) => typeof each === 'string');
  if (!isWhole || !isPart || !areTexts || typeof note !== 'string') return null;
  try {
    const details = checkedDetails(aliases, note);
    return { ...details, policy, temporary: temporary && { ...temporary, untilMs }, budget, refusal };
  } catch {
    return null;
  }
}

/** The record of a site. @returns null when it makes no sense */
export function readSiteRecord(name: string, text: string): Recorded<SiteRecord> | null {
  const read = readRecord(text);
  if (read === null || siteName(name) !== name) return null;
  const value = read.json === null ? null : siteIn(read.json);
  return value === null && read.json !== null ? null : { atMs: read.atMs, value };
}

/** The network and the site that the name of an exemption stands for. */
export function readExemptionName(
  name: string,
): { readonly network: string; readonly site: string | null } | null {
  const [network = '', site = '', more] = name.split(' ', 3);
  const isRight = parseNetwork(network)?.text === network && more === undefined;
  if (!isRight || (site !== '*' && siteName(site) !== site)) return null;
  return { network, site: site === '*' ? null : site };
}

/** The record of an exemption. @returns null when it makes no sense */
export function readExemptionRecord(
  name: string,
  text: string,
): (Recorded<Exemption> & { readonly network: string; readonly site: string | null }) | null {
  const read = readRecord(text);
  const of = readExemptionName(name);
  if (read === null || of === null) return null;
  if (read.json === null) return { ...of, atMs: read.atMs, value: null };
  const { reason, untilMs } = isObject(read.json) ? read.json : {};
  const ends = untilMs === null ? null : timeIn(untilMs);
  if (typeof reason !== 'string' || reason.length > 500 || (ends === null) !== (untilMs === null))
    return null;
  return { ...of, atMs: read.atMs, value: { ...of, reason, untilMs: ends } };
}
