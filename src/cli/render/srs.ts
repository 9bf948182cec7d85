import type { SrsForwardResult } from '../../schema/srs-forward.ts';
import type { SrsReverseResult } from '../../schema/srs-reverse.ts';
import { dim, type Line, line, mark, strong, wrap } from '../text.ts';
import { renderChecks } from './findings.ts';

/** The address alone, as a script wants it; what is to be said about it is told beside. */
export function renderSrsForward({ address }: SrsForwardResult): Line[] {
  return [line`${strong(address === '' ? '<>' : address)}`];
}

/** Where the bounce goes, alone; or why it goes nowhere; or what the address says. */
export function renderSrsReverse(result: SrsReverseResult, columns: number): Line[] {
  const { verified, address, original, ageDays, kind, status, summary } = result;
  if (verified === true) return [line`${strong(address ?? '')}`];
  if (verified === false)
    return [...wrap(line`${mark(status)}  ${summary}`, columns, 4), ...renderChecks(result, columns)];
  return [
    line`sender   ${original ?? '(cannot be read)'}`,
    ...(kind === 'srs1' ? [line`bounces  ${address ?? ''}`] : []),
    line`age      ${ageDays === null ? '(cannot be read)' : `${ageDays} days`}`,
    line`${dim('Read, not verified: anybody can make up such an address.')}`,
  ];
}
