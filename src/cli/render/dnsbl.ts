import type { DnsblCheckResult } from '../../schema/dnsbl-check.ts';
import { crit, dim, type Inline, type Line, line, mark, ok, strong, table, unknown, wrap } from '../text.ts';
import { renderChecks } from './findings.ts';

type Row = DnsblCheckResult['lists'][number];

function outcomeOf({ outcome, purpose }: Row): Inline {
  switch (outcome) {
    case 'listed':
      return purpose === 'block' ? crit('✖ listed') : ok('✔ listed');
    case 'not-listed':
      return purpose === 'block' ? ok('✔ not listed') : dim('· not listed');
    case 'error':
      return unknown('? error');
    case 'timeout':
      return unknown('? no answer');
    case 'broken':
      return unknown('? broken');
  }
}

/** A line a list, then what is wrong and what to do. */
export function renderDnsblCheck(result: DnsblCheckResult, columns: number): Line[] {
  const rows = result.lists.map((row) => [
    outcomeOf(row),
    row.title,
    dim(row.zone),
    row.codes.map(({ meaning }) => meaning).join(', '),
  ]);
  return [
    ...wrap(line`${mark(result.status)}  ${strong(result.summary)}`, columns, 4),
    ...table(rows, 2).flatMap((row) => wrap(row, columns, 8)),
    ...renderChecks(result, columns),
  ];
}
