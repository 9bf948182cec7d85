import type { DoctorResult } from '../../schema/doctor.ts';
import { dim, type Line, line, mark, strong, wrap } from '../text.ts';

/** One line a check, with what to do about it below. */
export function renderDoctor(result: DoctorResult, columns: number): Line[] {
  return [
    ...wrap(line`${mark(result.status)}  ${strong(result.summary)}`, columns, 4),
    ...result.checks.flatMap(({ status, info, message, evidence, fix }) => [
      ...wrap(
        line`  ${info ? dim('· note') : mark(status)}  ${message}${evidence ? dim(` (${evidence})`) : ''}`,
        columns,
        6,
      ),
      ...(fix && (status !== 'ok' || info) ? wrap(line`      ${dim('fix')} ${fix}`, columns, 10) : []),
    ]),
  ];
}
