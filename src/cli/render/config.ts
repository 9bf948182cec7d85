import type { ConfigCheckResult, ConfigSetting, ConfigShowResult } from '../../schema/config.ts';
import type { Located } from '../formats/types.ts';
import { asLine, dim, type Inline, type Line, line, mark, strong, table, wrap } from '../text.ts';
import { renderFindings } from './findings.ts';

function shownValue(value: ConfigSetting['value']): string {
  if (value === null) return '(not set)';
  return typeof value === 'string' ? value : value.join(', ');
}

function fileLines(files: ConfigShowResult['files']): Line[] {
  return files.map(({ file, found }) => line`  ${file}${found ? '' : dim(' (not there)')}`);
}

function row({ command, flag, value, origin, where }: ConfigSetting, withOrigin: boolean): readonly Inline[] {
  const name = command === null ? `--${flag}` : `${command} --${flag}`;
  const text = shownValue(value);
  const shown = value === null ? dim(text) : asLine(text);
  return withOrigin ? [strong(name), shown, dim(where ?? origin.replace('-', ' '))] : [strong(name), shown];
}

/** What is set, a line a flag; with `withOrigin` also where. */
export function renderConfigShow(
  { files, settings }: ConfigShowResult,
  columns: number,
  withOrigin: boolean,
): Line[] {
  const rows = table(
    settings.map((each) => row(each, withOrigin)),
    2,
  );
  return [
    ...(settings.length === 0
      ? [line`Nothing is set: everything is as it is built in.`]
      : rows.flatMap((each) => wrap(each, columns, 6))),
    [],
    line`${dim('Files, the first that names a flag counts:')}`,
    ...fileLines(files),
  ];
}

/** The verdict, the files, and each thing that is wrong with file and line. */
export function renderConfigCheck(
  result: ConfigCheckResult,
  findings: readonly Located[],
  columns: number,
): Line[] {
  return [
    ...wrap(line`${mark(result.status)}  ${strong(result.summary)}`, columns, 4),
    ...fileLines(result.files),
    ...renderFindings(findings, columns),
  ];
}
