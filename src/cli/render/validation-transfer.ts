import { counted } from '../../counted.ts';
import type {
  ValidationExportResult,
  ValidationImportResult,
  ValidationMoveResult,
} from '../../schema/validation-transfer.ts';
import { dim, fittedTable, type Line, line, mark, table, wrap } from '../text.ts';
import { renderChecks, renderFindings } from './findings.ts';

/** Rows that are shown one by one. */
const SHOWN = 10;

/** What was taken over, and what was not. */
export function renderImport(result: ValidationImportResult, columns: number): Line[] {
  const files = result.files.map(({ file, format, keys, leftOut }) => [
    file,
    dim(format),
    counted(keys, 'key'),
    leftOut > 0 ? `${leftOut} left out` : '',
  ]);
  const information = result.checks.filter(({ status }) => status === 'ok');
  const findings = result.checks.map((check) => ({ where: '', check }));
  return [
    ...wrap(line`${mark(result.status)}  ${result.summary}`, columns, 4),
    ...fittedTable(files, columns, 2),
    ...information.flatMap(({ message }) => wrap(line`  ${dim(message)}`, columns, 2)),
    ...result.leftOut
      .slice(0, SHOWN)
      .flatMap(({ file, where, why }) => wrap(line`  ${dim(`${file}, ${where}: ${why}`)}`, columns, 4)),
    ...renderFindings(findings, columns),
  ];
}

/** What was written. */
export function renderExport({ status, summary, checks }: ValidationExportResult, columns: number): Line[] {
  if (status === 'ok') return wrap(line`${mark(status)}  ${summary}`, columns, 4);
  return renderFindings(
    checks.map((check) => ({ where: '', check })),
    columns,
  );
}

/** What went from a folder into a database. */
export function renderMove(result: ValidationMoveResult, columns: number): Line[] {
  const { keys, clients, logins, sessions } = result;
  const kinds = Object.entries({ keys, clients, logins, 'session passwords': sessions });
  const rows = kinds.map(([name, { added, updated, unchanged }]) => [
    name,
    `${added} added`,
    `${updated} changed`,
    dim(`${unchanged} as they were`),
  ]);
  return [
    ...wrap(line`${mark(result.status)}  ${result.summary}`, columns, 4),
    ...table(rows, 2),
    ...renderChecks(result, columns),
  ];
}
