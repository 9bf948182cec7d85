import type { Resolver } from '../dns/types.ts';
import type { Check } from '../report.ts';

/** What a domain says about TLS reports (RFC 8460 §3). */
export type TlsRpt =
  | { readonly kind: 'found'; readonly record: string; readonly rua: readonly string[] }
  | { readonly kind: 'none' }
  | { readonly kind: 'invalid'; readonly record: string; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string };

/** Longest record and most addresses that are looked at. */
const MAX_RECORD = 4096;
const MAX_RUA = 20;

/** Why one address of `rua` is none; undefined when it is fine. Commas and ! in it are percent-encoded (§3). */
function wrongUri(uri: string): string | undefined {
  if (/^mailto:[^@\s,!]+@[^@\s,!]+$/i.test(uri)) return undefined;
  if (/^https:\/\/[^\s,!/]+(?:\/[^\s,!]*)?$/i.test(uri)) return undefined;
  return `'${uri.slice(0, 80)}' is neither mailto: nor https:`;
}

/** Read the text of one record: `v=TLSRPTv1; rua=mailto:…,https://…` (RFC 8460 §3, ABNF). */
export function parseTlsRpt(record: string): TlsRpt {
  const invalid = (reason: string): TlsRpt => ({
    kind: 'invalid',
    record: record.slice(0, MAX_RECORD),
    reason,
  });
  if (record.length > MAX_RECORD) return invalid(`it is longer than ${MAX_RECORD} characters`);
  const fields = record.split(';').map((field) => field.trim());
  if (fields[0] !== 'v=TLSRPTv1') return invalid('it does not begin with v=TLSRPTv1;');
  const values = fields
    .filter((field) => /^rua\s*=/.test(field))
    .map((field) => field.replace(/^rua\s*=\s*/, ''));
  if (values.length !== 1) return invalid(values.length === 0 ? 'it has no rua' : 'it has more than one rua');
  const rua = (values[0] ?? '').split(',').map((uri) => uri.trim());
  const wrong = rua.map(wrongUri).find((reason) => reason !== undefined);
  if (wrong !== undefined) return invalid(wrong);
  if (rua.length > MAX_RUA) return invalid(`it names more than ${MAX_RUA} addresses`);
  return { kind: 'found', record, rua };
}

/** Ask a domain for its TLS-RPT record. Records of other kinds at that name do not count (§3). */
export async function findTlsRpt(domain: string, dns: Resolver): Promise<TlsRpt> {
  const answer = await dns.resolve(`_smtp._tls.${domain}`, 'TXT');
  if (answer.kind === 'failed') return { kind: 'unknown', reason: answer.message };
  if (answer.kind !== 'found') return { kind: 'none' };
  const records = answer.records
    .map((strings) => strings.join(''))
    .filter((text) => text.startsWith('v=TLSRPTv1'));
  const [first, second] = records;
  if (first === undefined) return { kind: 'none' };
  if (second === undefined) return parseTlsRpt(first);
  return {
    kind: 'invalid',
    record: first.slice(0, MAX_RECORD),
    reason: `there are ${records.length} records, so none counts`,
  };
}

/** The finding about TLS reports; their absence is information. */
export function tlsRptCheck(domain: string, found: TlsRpt): Check {
  const ref = 'RFC 8460 §3';
  switch (found.kind) {
    case 'found':
      return {
        id: 'tlsrpt.record',
        status: 'ok',
        info: true,
        message: `${domain} asks senders for TLS reports.`,
        evidence: found.rua.join(', '),
        ref,
      };
    case 'none':
      return {
        id: 'tlsrpt.record',
        status: 'ok',
        info: true,
        message: `${domain} asks for no TLS reports: failures that senders see stay unknown there.`,
        fix: `Publish _smtp._tls.${domain} TXT "v=TLSRPTv1; rua=mailto:tls-reports@${domain}".`,
        ref,
      };
    case 'invalid':
      return {
        id: 'tlsrpt.record',
        status: 'warn',
        message: `The TLS reporting record of ${domain} is wrong: ${found.reason}.`,
        evidence: found.record,
        fix: `Publish one record: _smtp._tls.${domain} TXT "v=TLSRPTv1; rua=mailto:tls-reports@${domain}".`,
        ref,
      };
    case 'unknown':
      return {
        id: 'tlsrpt.record',
        status: 'ok',
        info: true,
        message: `Whether ${domain} asks for TLS reports could not be told: ${found.reason}.`,
        ref,
      };
  }
}
