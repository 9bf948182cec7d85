import type { BrowserDiagnoseResult } from '../../schema/browser.ts';
import { dim, type Line, line, mark, strong, table, wrap } from '../text.ts';
import { renderFindings } from './findings.ts';

/** Profiles, a line each, and what is to be said about them. */
export function renderDiagnosis(
  { status, summary, profiles, checks }: BrowserDiagnoseResult,
  columns: number,
): Line[] {
  const rows = profiles.map(({ name, isDefault, use, roboform, extensions, folder }) => [
    strong(name),
    isDefault ? 'default' : '',
    `RoboForm ${roboform}`,
    `${extensions.filter(({ active }) => active).length} extensions run`,
    use === 'in-use' ? 'in use' : use === 'free' ? 'not in use' : 'in use or not: unknown',
    dim(folder),
  ]);
  return [
    ...wrap(line`${mark(status)}  ${summary}`, columns, 4),
    ...table(rows, 2),
    ...checks.filter(({ info }) => info).flatMap(({ message }) => wrap(line`  ${dim(message)}`, columns, 2)),
    ...renderFindings(
      checks.map((check) => ({ where: '', check })),
      columns,
    ),
  ];
}
