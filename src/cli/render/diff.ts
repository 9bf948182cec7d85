import type { MxDiffResult } from '../../schema/mx-diff.ts';
import { asLine, dim, type Line, line, mark, strong, table, wrap } from '../text.ts';

/** What changed at a domain, the worst first as it is listed. */
export function renderMxDiff(result: MxDiffResult, columns: number): Line[] {
  const rows = result.changes.map(({ status, where, what, before, after }) => [
    mark(status),
    where,
    strong(what),
    `${before ?? '(not there)'} → ${after ?? '(not there)'}`,
  ]);
  return [
    ...wrap(line`${mark(result.status)}  ${strong(result.summary)}`, columns, 4),
    ...table(rows, 2).flatMap((row) => wrap(row, columns, 8)),
    [...asLine('  '), dim(`${result.before} → ${result.after}`)],
  ];
}
