import { type Explanation, PROGRAMS } from '../../explain/types.ts';
import { dim, fittedTable, type Line, line, strong, wrap } from '../text.ts';

const NAMES = { postfix: 'Postfix', exim: 'Exim', exchange: 'Exchange', bind: 'BIND' } as const;

function block(label: string, text: string | undefined, columns: number): Line[] {
  if (text === undefined) return [];
  return wrap(line`  ${dim(label.padEnd(9))}${text}`, columns, 11);
}

function one({ id, what, why, fix, programs = {}, ref }: Explanation, columns: number): Line[] {
  return [
    line`${strong(id)}`,
    ...block('what', what, columns),
    ...block('why', why, columns),
    ...block('fix', fix, columns),
    ...PROGRAMS.flatMap((program) => block(NAMES[program], programs[program], columns)),
    ...block('see', ref, columns),
  ];
}

/** The texts asked for, one below the other. */
export function renderExplanations(explanations: readonly Explanation[], columns: number): Line[] {
  return explanations.flatMap((each, index) => [...(index > 0 ? [[]] : []), ...one(each, columns)]);
}

/** Every id with what is looked at. */
export function renderExplanationList(explanations: readonly Explanation[], columns: number): Line[] {
  const rows = explanations.map(({ id, what }) => [strong(id), what]);
  return [
    line`"postern explain ID" tells of each why it matters and how to fix it.`,
    [],
    ...fittedTable(rows, columns, 2),
  ];
}
