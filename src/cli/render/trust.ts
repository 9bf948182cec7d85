import type { Status } from '../../report.ts';
import type { TrustShowResult } from '../../schema/trust-show.ts';
import type { Reason, Verdict } from '../../trust/facts.ts';
import {
  asLine,
  crit,
  dim,
  fittedTable,
  type Line,
  line,
  mark,
  ok,
  type Span,
  strong,
  warn,
  wrap,
} from '../text.ts';

const VERDICTS: Readonly<Record<Verdict, () => Span>> = {
  trusted: () => ok('✔ trusted'),
  authenticated: () => strong('= authenticated'),
  'open-signup': () => warn('~ open-signup'),
  unauthenticated: () => warn('! unauthenticated'),
  suspicious: () => crit('✖ suspicious'),
};

/**
 * A verdict as a sign and a word. Only `trusted` is green and has the tick: a proved domain that nobody vouches for
 * is not good news, and is not to look like it.
 *
 * @param status  of the whole answer; what could not be told for now has the sign of that
 */
export function verdictMark(verdict: Verdict, status: Status = 'ok'): Span {
  // What could not be told is no verdict, whichever would have been the strictest.
  return status === 'unknown' ? mark(status) : VERDICTS[verdict]();
}

const SIGNS: Readonly<Record<Reason['severity'], () => Span>> = {
  crit: () => crit('✖'),
  warn: () => warn('!'),
  info: () => dim('·'),
};

/** A message with hundreds of signatures has as many reasons. */
const MAX_REASONS = 60;

/** Reasons, each with its weight, its sentence and its code. */
export function reasonLines(reasons: readonly Reason[], columns: number): Line[] {
  const more = reasons.length - MAX_REASONS;
  const lines = reasons
    .slice(0, MAX_REASONS)
    .flatMap(({ code, severity, text }) =>
      wrap([...asLine('  '), SIGNS[severity](), ...line` ${text} ${dim(`[${code}]`)}`], columns, 4),
    );
  return more > 0 ? [...lines, line`  ${dim(`and ${more} more reasons`)}`] : lines;
}

/** What would make it trusted; nothing when it is. */
export function wouldTrustLines(wouldTrust: string | null, columns: number): Line[] {
  if (wouldTrust === null) return [];
  return [[], ...wrap(line`  ${strong('To be trusted:')} ${wouldTrust}`, columns, 4)];
}

/** What is known of a domain alone, for people. */
export function renderTrustShow(shown: TrustShowResult, columns: number): Line[] {
  const { domain, unicode, entries, reasons, wouldTrust } = shown;
  const name = unicode === domain ? '' : ` (${unicode})`;
  return [
    ...wrap(line`${verdictMark(shown.verdict)}  ${strong(`${domain}${name}`)}  ${shown.summary}`, columns, 4),
    ...(entries.length > 0 ? [[], ...entryLines(entries, columns)] : []),
    ...(reasons.length > 0 ? [[], ...reasonLines(reasons, columns)] : []),
    ...wouldTrustLines(wouldTrust, columns),
  ];
}

function entryLines(entries: TrustShowResult['entries'], columns: number): Line[] {
  return entries.flatMap((entry) => [
    ...wrap(
      line`  ${strong(entry.organization)}  ${entry.domain}${entry.covers ? '' : ' (not this name)'}  ${entry.status}`,
      columns,
      4,
    ),
    ...fittedTable(
      [
        [
          dim(`${entry.id}, by ${entry.mediator}`),
          dim(`${day(entry.validFrom)} to ${day(entry.validUntil)}`),
        ],
        [
          dim(`${entry.level}, checked ${day(entry.checkedAt)}`),
          dim(`by ${entry.checkedBy.join(' and ')}, again by ${day(entry.nextReview)}`),
        ],
      ],
      columns,
      4,
    ),
  ]);
}

function day(time: string): string {
  return time.slice(0, 10);
}
