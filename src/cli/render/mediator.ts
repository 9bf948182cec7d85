import type { Check, Report } from '../../report.ts';
import type {
  EntryView,
  MediatorActResult,
  MediatorChallengeResult,
  MediatorDiffResult,
  MediatorInitResult,
  MediatorListResult,
  MediatorPublishResult,
} from '../../schema/mediator.ts';
import { dim, fittedTable, type Line, line, mark, strong, table, wrap } from '../text.ts';

/** Summary and findings, for people. */
export function renderFindings(result: Report, columns: number): Line[] {
  return [...head(result, columns), ...checkLines(result.checks, columns)];
}

export function renderInit(result: MediatorInitResult, columns: number): Line[] {
  return [
    ...head(result, columns),
    ...fittedTable(
      [
        [dim('folder'), result.folder],
        [dim('root to hand out'), result.root],
        ...result.keys.map(({ role, file }) => [dim(`${role} key`), file]),
      ],
      columns,
      4,
    ),
  ];
}

export function renderChallenge(result: MediatorChallengeResult, columns: number): Line[] {
  return [...head(result, columns), [], line`  ${strong(result.record)}`];
}

/** What was done to an entry, for people. */
export function renderAct(result: MediatorActResult, columns: number): Line[] {
  return [...renderFindings(result, columns), ...entryLines(result.entry)];
}

export function renderEntries(result: MediatorListResult, columns: number): Line[] {
  const rows = result.entries.map(({ id, name, status, domains, validUntil }) => [
    strong(id),
    name,
    status,
    domains
      .map(({ domain }) => domain)
      .slice(0, 3)
      .join(' ') + (domains.length > 3 ? ' …' : ''),
    dim(validUntil?.slice(0, 10) ?? ''),
  ]);
  const open = result.checks.filter(({ status }) => status !== 'ok');
  return [...head(result, columns), ...table(rows, 4), ...checkLines(open, columns)];
}

export function renderDiff(result: MediatorDiffResult, columns: number): Line[] {
  const rows = (['added', 'changed', 'removed'] as const).flatMap((how) =>
    result[how].map((id) => [how, id]),
  );
  return [...head(result, columns), ...table(rows, 4)];
}

export function renderPublish(result: MediatorPublishResult, columns: number): Line[] {
  return [...head(result, columns), ...result.files.map((file) => line`    ${file}`)];
}

function head({ status, summary }: Report, columns: number): Line[] {
  return wrap(line`${mark(status)}  ${summary}`, columns, 4);
}

function checkLines(checks: readonly Check[], columns: number): Line[] {
  return checks.flatMap(({ id, status, message, fix }) => [
    ...wrap(line`  ${mark(status)} ${message} ${dim(`[${id}]`)}`, columns, 4),
    ...(fix === undefined || status === 'ok' ? [] : wrap(line`      ${fix}`, columns, 6)),
  ]);
}

function entryLines({ id, name, status, domains, checkedBy, validUntil }: EntryView): Line[] {
  const below = (all: boolean) => (all ? ' and below' : '');
  return table(
    [
      [strong(id), name],
      [dim('status'), status],
      ...domains.map((each) => [dim('domain'), `${each.domain}${below(each.includeSubdomains)}`]),
      ...(checkedBy.length > 0 ? [[dim('checked by'), checkedBy.join(' and ')]] : []),
      ...(validUntil === null ? [] : [[dim('valid until'), validUntil]]),
    ],
    4,
  );
}
