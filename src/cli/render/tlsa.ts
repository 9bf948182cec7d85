import type { MxTlsaCheckResult, MxTlsaMakeResult } from '../../schema/mx-tlsa.ts';
import { asLine, dim, type Line, line, mark, strong, wrap } from '../text.ts';
import { renderChecks } from './findings.ts';

/** Records as lines of a zone file, and nothing else: they are pasted. */
export function renderTlsaMake({ records }: MxTlsaMakeResult): Line[] {
  return records.map(({ name, record }) => line`${name}. IN TLSA ${strong(record)}`);
}

/** Whether a certificate can be changed, for people. */
export function renderTlsaCheck(result: MxTlsaCheckResult, columns: number): Line[] {
  const { status, summary, name, records, ttl, checks } = result;
  const good = checks.filter((check) => check.status === 'ok').map(({ message }) => dim(message));
  return [
    ...wrap(line`${mark(status)}  ${strong(summary)}`, columns, 4),
    ...records.flatMap((record) => wrap(line`  ${name ?? ''} TLSA ${record}`, columns, 6)),
    ...(ttl === null ? [] : [line`  ${dim(`TTL ${ttl} s`)}`]),
    ...good.flatMap((message) => wrap([...asLine('  '), message], columns, 2)),
    ...renderChecks({ summary, checks }, columns),
  ];
}
