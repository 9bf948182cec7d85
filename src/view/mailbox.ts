import { counted } from '../counted.ts';
import { type Check, worst } from '../report.ts';
import type { MessageViewResult, ViewedMessage } from '../schema/message-view.ts';

type Counts = MessageViewResult['counts'];

const WORDS: readonly (readonly [keyof Counts, string])[] = [
  ['trusted', 'trusted'],
  ['authenticated', 'authenticated'],
  ['open-signup', 'from free sign-up providers'],
  ['unauthenticated', 'unauthenticated'],
  ['suspicious', 'suspicious'],
  ['undecided', 'undecided'],
];

/** Where a message is counted: what could not be told for now is no verdict. */
export function kindOf({ verdict, status }: Pick<ViewedMessage, 'verdict' | 'status'>): keyof Counts {
  return verdict === null || status === 'unknown' ? 'undecided' : verdict;
}

/**
 * One result for everything that is looked at.
 *
 * @param target  what was asked for; null where it is several
 * @param notes   findings about the view itself, such as a logo that cannot be shown
 */
export function describeView(
  target: string | null,
  messages: readonly ViewedMessage[],
  notes: readonly Check[] = [],
): MessageViewResult {
  const counts = countsOf(messages);
  const [only] = messages;
  const summary = messages.length === 1 && only ? only.summary : sentence(counts, messages.length);
  const status = worst(messages.map((each) => each.status));
  const verdicts: Check = { id: 'view.verdicts', status, message: summary };
  const checks = [verdicts, ...unreadChecks(messages), ...notes];
  const newestFirst = messages.toSorted((a, b) => compareDates(b.date, a.date));
  return {
    target,
    status: worst(checks.map((each) => each.status)),
    summary,
    checks,
    counts,
    messages: newestFirst,
  };
}

/** ISO 8601 in UTC; what has no date is the oldest. */
function compareDates(a: string | null, b: string | null): number {
  const [one, other] = [Date.parse(a ?? '') || 0, Date.parse(b ?? '') || 0];
  return one - other;
}

function countsOf(messages: readonly ViewedMessage[]): Counts {
  const counts = {
    trusted: 0,
    authenticated: 0,
    'open-signup': 0,
    unauthenticated: 0,
    suspicious: 0,
    undecided: 0,
  };
  for (const message of messages) counts[kindOf(message)] += 1;
  return counts;
}

function sentence(counts: Counts, total: number): string {
  const parts = WORDS.flatMap(([key, words]) => (counts[key] === 0 ? [] : [`${counts[key]} ${words}`]));
  return `${counted(total, 'message')}: ${parts.join(', ')}.`;
}

function unreadChecks(messages: readonly ViewedMessage[]): readonly Check[] {
  const unread = messages.filter(({ verdict }) => verdict === null);
  const [first] = unread;
  if (first === undefined) return [];
  const message = `${unread.length} of ${messages.length} could not be read: ${first.summary}`;
  return [{ id: 'view.unread', status: 'unknown', message, evidence: first.target }];
}
