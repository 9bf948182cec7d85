import type { Report, Status } from '../../report.ts';
import type { Located } from '../formats/types.ts';
import { asLine, dim, indented, type Line, line, mark, wrap } from '../text.ts';

const ORDER: readonly Status[] = ['crit', 'unknown', 'warn', 'ok'];

function detail(label: string, text: string | undefined, columns: number): Line[] {
  if (text === undefined) return [];
  return wrap([...indented([asLine(dim(`${label} `))], 4).flat(), ...asLine(text)], columns, 8);
}

/**
 * What is wrong, the worst first, each with its evidence and what to do about it.
 *
 * @param said  a sentence that stands above: a finding that says the same does not say it again
 */
export function renderFindings(located: readonly Located[], columns: number, said?: string): Line[] {
  const findings = located
    .filter(({ check }) => check.status !== 'ok')
    .toSorted((a, b) => ORDER.indexOf(a.check.status) - ORDER.indexOf(b.check.status));
  const head = ({ where, check: { status, message } }: Located) =>
    message === said
      ? []
      : wrap(line`  ${mark(status)}  ${where === '' ? '' : `${where}: `}${message}`, columns, 4);
  return findings.flatMap(({ where, check }) => [
    ...head({ where, check }),
    ...detail('saw', check.evidence, columns),
    ...detail('fix', check.fix, columns),
    [...asLine('    '), dim(check.ref ? `${check.id}, ${check.ref}` : check.id)],
  ]);
}

/** What is wrong with a result whose summary stands above. */
export function renderChecks(
  { summary, checks }: Pick<Report, 'summary' | 'checks'>,
  columns: number,
): Line[] {
  return renderFindings(
    checks.map((check) => ({ where: '', check })),
    columns,
    summary,
  );
}
