import type { MxPolicyResult } from '../../schema/mx-policy.ts';
import { clean } from '../clean.ts';
import { asLine, dim, type Line, line, mark, strong, table, wrap } from '../text.ts';
import { renderFindings } from './findings.ts';

const DANE: Readonly<Record<MxPolicyResult['hosts'][number]['dane'], string>> = {
  usable: 'DANE',
  'mx-insecure': 'DANE, for the host alone',
  unusable: 'TLS required',
  none: 'no DANE',
  failed: 'not told',
  unknown: 'not told',
};

/** A policy for people: the verdict, a line a host, the line for Postfix. */
export function renderMxPolicy(result: MxPolicyResult, columns: number): Line[] {
  const { status, summary, hosts, postfix, checks } = result;
  const rows = hosts.map(({ host, dane, reason }) => [strong(host), DANE[dane], dim(reason)]);
  const others = checks.filter(({ id }) => id !== 'policy.effective').map((check) => ({ where: '', check }));
  return [
    ...wrap(line`${mark(status)}  ${strong(summary)}`, columns, 4),
    ...table(rows, 2).flatMap((row) => wrap(row, columns, 6)),
    ...(postfix === null ? [] : wrap([...asLine('  Postfix: '), strong(postfix)], columns, 6)),
    ...renderFindings(others, columns),
  ];
}

/** Lines for a policy map of Postfix (smtp_tls_policy_maps), each below a comment that says why. */
export function postfixPolicy({ domain, summary, postfix }: MxPolicyResult): string {
  // A comment must not run on: what comes from outside has no line ends after this.
  const reason = `# ${clean(summary)}\n`;
  return postfix === null ? `${reason}# ${clean(domain)} is left out.\n` : `${reason}${clean(postfix)}\n`;
}
