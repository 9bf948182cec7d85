import type { Status } from '../../report.ts';
import type { DomainCheckResult } from '../../schema/domain-check.ts';
import { strength } from '../../sender/dkim.ts';
import { dim, fittedTable, indented, type Line, line, mark, strong, wrap } from '../text.ts';
import { renderFindings } from './findings.ts';
import { spfRecordTree } from './spf.ts';

type Selector = DomainCheckResult['dkim']['selectors'][number];

function keyWords(selectors: readonly Selector[]): string {
  return selectors.map((each) => `${each.selector} (${strength(each)})`).join(', ');
}

function daneWords(hosts: DomainCheckResult['dane']['hosts']): string {
  const having = hosts.filter(({ kind }) => kind === 'records').length;
  return having === 0
    ? ''
    : `TLSA records at ${having} of ${hosts.length === 1 ? 'one exchanger' : `${hosts.length} exchangers`}`;
}

/** One line a part: its state and what is published. */
function parts(
  { spf, dkim, dmarc, bimi, mtaSts, dane, tlsRpt, vbr }: DomainCheckResult,
  columns: number,
): Line[] {
  const row = (name: string, status: Status, published: string, absent = 'nothing') => [
    strong(name),
    published === '' && status === 'ok' ? dim(`· ${absent}`) : mark(status),
    published !== '' || status === 'ok' || status === 'unknown' ? published : absent,
  ];
  const top = spf.records[0];
  const spfWords = top?.problem ?? `${spf.lookups} of 10 lookups`;
  return fittedTable(
    [
      row('SPF', spf.status, spfWords),
      row('DKIM', dkim.status, keyWords(dkim.selectors), 'no key seen'),
      row(
        'DMARC',
        dmarc.status,
        dmarc.record === null ? '' : `${dmarc.record} (at ${dmarc.policyDomain ?? ''})`,
      ),
      row('BIMI', bimi.status, bimi.record ?? ''),
      row('MTA-STS', mtaSts.status, mtaSts.mode === null ? '' : `mode ${mtaSts.mode}`),
      row('DANE', dane.status, daneWords(dane.hosts)),
      row('TLS-RPT', tlsRpt.status, tlsRpt.record ?? ''),
      ...vbr.vouchings.map(({ voucher, types, unknown }) =>
        row(
          'VBR',
          vbr.status,
          `${voucher}: ${unknown ? 'could not be told' : types.join(', ') || 'nothing'}`,
        ),
      ),
    ],
    columns,
    2,
  );
}

/** What could be published beside, which is nobody's duty. */
function remarks({ checks }: DomainCheckResult, columns: number): Line[] {
  return checks
    .filter(({ info, fix }) => info === true && fix !== undefined)
    .flatMap(({ message, fix }) => [
      ...wrap(line`  ${dim('·')} ${message}`, columns, 4),
      ...wrap(line`    ${dim('could')} ${fix ?? ''}`, columns, 10),
    ]);
}

/** The sender's side of a domain: parts, the SPF records below each other, findings, remarks. */
export function renderDomainCheck(result: DomainCheckResult, columns: number): Line[] {
  return [
    ...wrap(line`${mark(result.status)}  ${strong(result.summary)}`, columns, 4),
    ...(result.checks.some(({ id }) => id === 'domain.exists') ? [] : parts(result, columns)),
    ...(result.spf.records[0]?.record ? indented(spfRecordTree(result.spf.records, columns - 2), 2) : []),
    ...renderFindings(
      result.checks.map((check) => ({ where: '', check })),
      columns,
    ),
    ...remarks(result, columns),
  ];
}
