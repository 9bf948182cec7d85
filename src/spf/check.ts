import { boundedResolver } from '../dns/bounded.ts';
import type { Resolver } from '../dns/types.ts';
import { checkHost } from './evaluate.ts';
import { clientAddress } from './macro.ts';
import { asciiName, isAskable } from './names.ts';
import { createQuestions } from './questions.ts';
import type { SpfResult, SpfTree } from './types.ts';

export type { SpfResult, SpfTree } from './types.ts';

/** What is asked: whether a client may send mail in a name. */
export type SpfQuestion = {
  /** Address of the client. */
  readonly ip: string;
  /** Name that the client gave; null when it is not known. */
  readonly helo: string | null;
  /** MAIL FROM without angle brackets; the empty path asks about the HELO name (RFC 7208 §2.4). */
  readonly mailFrom: string;
  /** Host name of the server that received the mail, for `%{r}`; null when it is not known. */
  readonly mta: string | null;
  readonly dns: Resolver;
  /** The clock for `%{t}`, in milliseconds since the epoch. */
  readonly nowMs: number;
};

/** The answer, and how it came about. */
export type SpfCheck = {
  readonly result: SpfResult;
  /** The domain whose record was evaluated: that of `mailFrom`, or the HELO name. A-labels, lower case. */
  readonly domain: string;
  /** Which of the two it was. */
  readonly identity: 'mailfrom' | 'helo';
  /** The client's address in its one spelling; as given where it is none. */
  readonly ip: string;
  /** Terms that looked something up, at most one more than the 10 of RFC 7208 §4.6.4. */
  readonly lookups: number;
  /** Lookups that found nothing. */
  readonly voidLookups: number;
  /** What the domain's owner says of a `fail` (RFC 7208 §6.2): untrusted text. */
  readonly explanation: string | null;
  /** What led to an error or to no result; null otherwise. */
  readonly reason: string | null;
  /** How the record was evaluated; null when there was nothing to evaluate. Its result is the result. */
  readonly tree: SpfTree | null;
};

/** Longest address and HELO name that are looked at; RFC 5321 §4.5.3.1 allows 256. */
const MAX_TEXT = 1000;

/** One evaluation: RFC 7208 §4.6.4 recommends 20 seconds or more in all. */
const BOUNDS = { queries: 250, questionMs: 15_000, totalMs: 20_000 };

/**
 * Evaluate SPF (RFC 7208) for MAIL FROM, or for the HELO name when the path is empty. Never throws for what is
 * asked about or for what the DNS says: that is the result. At most 250 different questions and 20 seconds,
 * whatever the records say; a resolver given here may be narrower, its refusals count as `temperror`.
 *
 * To judge both identities, call it twice, once with the empty path.
 */
export async function checkSpf(question: SpfQuestion): Promise<SpfCheck> {
  const { identity, sender } = identityOf(question);
  const client = clientAddress(question.ip);
  const base = { domain: sender.domain, identity, ip: client?.text ?? question.ip };
  if (client === null) return unasked(base, 'temperror', `"${question.ip}" is no IP address.`);
  if (question.mailFrom.length > MAX_TEXT) return unasked(base, 'none', 'The address is too long to be one.');
  if (!isAskable(sender.domain))
    return unasked(base, 'none', `"${sender.domain}" is no domain that can have a record.`);
  const questions = createQuestions(
    boundedResolver(question.dns, BOUNDS),
    performance.now() + BOUNDS.totalMs,
  );
  const values = {
    client,
    sender,
    helo: question.helo?.slice(0, MAX_TEXT) ?? 'unknown',
    mta: question.mta ?? 'unknown',
    time: Math.round(question.nowMs / 1000),
  };
  const { tree, explanation } = await checkHost(sender.domain, { questions, values }, true);
  const { lookups, voidLookups } = questions;
  return { ...base, result: tree.result, lookups, voidLookups, explanation, reason: tree.reason, tree };
}

type Base = Pick<SpfCheck, 'domain' | 'identity' | 'ip'>;

function unasked(base: Base, result: SpfResult, reason: string): SpfCheck {
  return { ...base, result, lookups: 0, voidLookups: 0, explanation: null, reason, tree: null };
}

type Sender = { readonly local: string; readonly domain: string };

/** RFC 7208 §2.4 and §4.3: without a path it is the HELO name, without a local part it is postmaster. */
function identityOf({ mailFrom, helo }: SpfQuestion): { identity: SpfCheck['identity']; sender: Sender } {
  if (mailFrom === '')
    return { identity: 'helo', sender: { local: 'postmaster', domain: asciiName(helo ?? '') } };
  const at = mailFrom.lastIndexOf('@');
  const local = mailFrom.slice(0, Math.max(at, 0)) || 'postmaster';
  return { identity: 'mailfrom', sender: { local, domain: asciiName(mailFrom.slice(at + 1)) } };
}
