import type { DmarcSource, ReportDmarcResult, ReportTlsResult } from '../../schema/reports.ts';
import {
  crit,
  dim,
  fittedTable,
  type Inline,
  type Line,
  line,
  mark,
  ok,
  strong,
  unknown,
  warn,
  wrap,
} from '../text.ts';
import { renderFindings } from './findings.ts';

/** Rows that are shown; JSON has all of them. */
const SHOWN = 30;

function number(value: number): string {
  return value.toLocaleString('en-US');
}

function about({ reporters, begin, end, repeated }: ReportDmarcResult | ReportTlsResult): Line {
  const time = begin === null || end === null ? '' : `${begin.slice(0, 10)} to ${end.slice(0, 10)}`;
  const again = repeated === 0 ? '' : `; ${repeated} read more than once`;
  return line`  ${dim(`${time}, from ${reporters.slice(0, 5).join(', ')}${reporters.length > 5 ? ' and others' : ''}${again}`)}`;
}

const KINDS: Readonly<Record<DmarcSource['kind'], Inline>> = {
  passes: ok('✔ passes'),
  forwarded: ok('✔ forwarded'),
  broken: warn('! broken'),
  misaligned: warn('! misaligned'),
  unauthenticated: unknown('? nobody'),
};

function sourceRow({
  ip,
  kind,
  messages,
  failing,
  quarantined,
  rejected,
  authenticated,
  domain,
}: DmarcSource) {
  const done = [
    quarantined > 0 && `${number(quarantined)} quarantined`,
    rejected > 0 && `${number(rejected)} rejected`,
  ];
  const as = authenticated.filter((name) => name !== domain);
  const notes = [
    ...done.filter((each) => each !== false),
    ...(as.length > 0 ? [`as ${as.slice(0, 3).join(', ')}`] : []),
  ];
  return [
    KINDS[kind],
    ip,
    `${number(messages - failing)} of ${number(messages)} pass`,
    dim(notes.join('; ')),
  ];
}

function more(count: number): Line[] {
  return count > SHOWN ? [line`  ${dim(`… and ${number(count - SHOWN)} more (--json has all)`)}`] : [];
}

function head(result: ReportDmarcResult | ReportTlsResult, columns: number): Line[] {
  return [
    ...wrap(line`${mark(result.status)}  ${strong(result.summary)}`, columns, 4),
    ...(result.reports > 0 ? wrap(about(result), columns, 4) : []),
    [],
  ];
}

function findings(result: ReportDmarcResult | ReportTlsResult, columns: number): Line[] {
  const lines = renderFindings(
    result.checks.map((check) => ({ where: '', check })),
    columns,
  );
  return lines.length === 0 ? [] : [[], ...lines];
}

function notes(result: ReportDmarcResult, columns: number): Line[] {
  return result.checks
    .filter(({ info }) => info)
    .flatMap(({ message, fix }) =>
      wrap(line`  · ${message}${fix === undefined ? '' : ` ${fix}`}`, columns, 4),
    );
}

/** A line a source, the most failing messages first, then what to do. */
export function renderReportDmarc(result: ReportDmarcResult, columns: number): Line[] {
  const several = result.domains.length > 1;
  return [
    ...head(result, columns),
    ...result.domains.flatMap(({ domain, policy }) => [
      ...(several
        ? [line`  ${strong(domain)}  ${dim(`p=${policy}`)}`]
        : [line`  ${dim(`policy of ${domain}: ${policy}`)}`]),
      ...fittedTable(
        result.sources
          .filter((source) => source.domain === domain)
          .slice(0, SHOWN)
          .map(sourceRow),
        columns,
        2,
      ),
      ...more(result.sources.filter((source) => source.domain === domain).length),
    ]),
    ...notes(result, columns),
    ...findings(result, columns),
  ];
}

const POLICIES = { tlsa: 'DANE', sts: 'MTA-STS', 'no-policy-found': 'no policy' } as const;

/** A line a domain and policy, then what failed, where and what to do. */
export function renderReportTls(result: ReportTlsResult, columns: number): Line[] {
  const rows = result.domains.map(({ domain, policy, enforced, sessions, failing }) => [
    failing === 0 ? ok('✔ all succeeded') : (enforced ? crit : warn)(enforced ? '✖ failing' : '! failing'),
    domain,
    POLICIES[policy],
    `${number(sessions - failing)} of ${number(sessions)} sessions succeeded`,
  ]);
  return [
    ...head(result, columns),
    ...fittedTable(rows.slice(0, SHOWN), columns, 2),
    ...more(rows.length),
    ...findings(result, columns),
  ];
}
