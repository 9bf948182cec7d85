import type { Check } from '../report.ts';
import type { MxHostResult } from '../schema/mx-probe.ts';

/**
 * When nothing was heard from any address it is more likely this network than all of them: many close port 25 to
 * the outside. That is said as what it is, and never blamed on the servers.
 */
export function blockedCheck(hosts: readonly MxHostResult[]): Check[] {
  const tried = hosts
    .flatMap(({ addresses }) => addresses)
    .filter(({ fault }) => fault !== null && fault.kind !== 'no-route');
  const silent = tried.filter(({ fault }) => fault?.phase === 'connect' && fault.kind === 'timeout');
  if (tried.length === 0 || silent.length < tried.length) return [];
  const port = tried[0]?.port ?? 25;
  return [
    {
      id: 'local.port25-blocked',
      status: 'unknown',
      message: `No connection to port ${port} came about: this network probably blocks it going out.`,
      evidence: `${silent.length} of ${silent.length} addresses silent: ${silent
        .slice(0, 5)
        .map(({ ip }) => ip)
        .join(', ')}`,
      fix: 'Probe from a machine that may send mail ("postern doctor" tells). What the DNS says (DANE, MTA-STS, TLS-RPT) holds all the same: --dns-only asks for that alone.',
    },
  ];
}
