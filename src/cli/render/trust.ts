import type { TrustShowResult } from '../../schema/trust-show.ts';
import type { Reason, Verdict } from '../../trust/facts.ts';
import {
  asLine,
  crit,
  dim,
  fittedTable,
  type Line,
  line,
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

/** A verdict as a sign and a word. */
export function verdictMark(verdict: Verdict): Span {
  return VERDICTS[verdict]();
}

const SIGNS: Readonly<Record<Reason['severity'], () => Span>> = {
  crit: () => crit('✖'),
  warn: () => warn('!'),
  info: () => dim('·'),
};

/** Every reason: its weight, its sentence, its code, for `explain`. */
export function reasonLines(reasons: readonly Reason[], columns: number): Line[] {
  return reasons.flatMap(({ code, severity, text }) =>
    wrap([...asLine('  '), SIGNS[severity](), ...line` ${text} ${dim(`[${code}]`)}`], columns, 4),
  );
}

/** What is known of a domain alone, for people. */
export function renderTrustShow(shown: TrustShowResult, columns: number): Line[] {
  const { domain, unicode, entries, reasons, wouldTrust } = shown;
  const name = unicode === domain ? '' : ` (${unicode})`;
  return [
    ...wrap(line`${verdictMark(shown.verdict)}  ${strong(`${domain}${name}`)}  ${shown.summary}`, columns, 4),
    ...(entries.length > 0 ? [[], ...entryLines(entries, columns)] : []),
    ...(reasons.length > 0 ? [[], ...reasonLines(reasons, columns)] : []),
    ...(wouldTrust === null ? [] : [[], ...wrap(line`  ${dim('To be trusted:')} ${wouldTrust}`, columns, 4)]),
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
