import type { Status } from '../../report.ts';
import type { Located } from '../formats/types.ts';
import { asLine, dim, indented, type Line, line, mark, wrap } from '../text.ts';

const ORDER: readonly Status[] = ['crit', 'unknown', 'warn', 'ok'];

function detail(label: string, text: string | undefined, columns: number): Line[] {
  if (text === undefined) return [];
  return wrap([...indented([asLine(dim(`${label} `))], 4).flat(), ...asLine(text)], columns, 8);
}

/** What is wrong, the worst first, each with its evidence and what to do about it. */
export function renderFindings(located: readonly Located[], columns: number): Line[] {
  const findings = located
    .filter(({ check }) => check.status !== 'ok')
    .toSorted((a, b) => ORDER.indexOf(a.check.status) - ORDER.indexOf(b.check.status));
  return findings.flatMap(({ where, check }) => [
    ...wrap(line`  ${mark(check.status)}  ${where === '' ? '' : `${where}: `}${check.message}`, columns, 4),
    ...detail('saw', check.evidence, columns),
    ...detail('fix', check.fix, columns),
    [...asLine('    '), dim(check.ref ? `${check.id}, ${check.ref}` : check.id)],
  ]);
}
