import type { Check } from '../report.ts';
import { covers, patternCovers } from './policy.ts';
import type { MtaSts, MtaStsFound, PolicyFault } from './types.ts';

/** Below this a policy is forgotten before it can protect; RFC 8461 §3.2 expects weeks. */
const SHORT_AGE_SECONDS = 86_400;
const EXPIRY_WARNING_DAYS = 14;

const FIXES: Readonly<Record<PolicyFault, string>> = {
  'sts-policy-fetch-error':
    'Serve the policy there with status 200 and no redirect, or take the record away.',
  'sts-policy-invalid': 'Mend the policy file, then give the record a new id.',
  'sts-webpki-invalid':
    'Give the policy host a certificate of a public authority for its own name, and renew it in time.',
};

const MODES = {
  enforce: 'senders that honour it deliver only with valid TLS',
  testing: 'failures are reported to the domain, and mail is delivered all the same',
  none: 'the policy is withdrawn, and senders act as if there were none',
} as const;

function list(texts: readonly string[]): string {
  const shown = texts.slice(0, 20).join(', ');
  return texts.length > 20 ? `${shown} and ${texts.length - 20} more` : shown;
}

function recordCheck(domain: string, found: MtaSts): Check {
  const base = { id: 'mta-sts.record', ref: 'RFC 8461 §3.1' } as const;
  const publish = `Publish one record: _mta-sts.${domain} TXT "v=STSv1; id=1", with a new id at each change of the policy.`;
  switch (found.kind) {
    case 'none':
      return {
        ...base,
        status: 'ok',
        info: true,
        message: `${domain} has no MTA-STS policy: senders are not told to insist on valid TLS.`,
        fix: `${publish} The policy is served by https://mta-sts.${domain}/.well-known/mta-sts.txt.`,
      };
    case 'invalid-record':
      return {
        ...base,
        status: 'warn',
        message: `The MTA-STS record of ${domain} does not count: ${found.reason}.`,
        evidence: list(found.records),
        fix: publish,
      };
    case 'unknown':
      return {
        ...base,
        status: 'unknown',
        message: `Whether ${domain} has an MTA-STS policy could not be told: ${found.reason}.`,
      };
    case 'failed':
    case 'found':
      return found.id === null
        ? {
            ...base,
            status: 'warn',
            message: `${domain} has an MTA-STS policy that was kept from before, and no record for it now.`,
            fix: `${publish} To end a policy, serve it with "mode: none" until its max_age is over.`,
          }
        : { ...base, status: 'ok', message: `${domain} has an MTA-STS record.`, evidence: `id=${found.id}` };
  }
}

function policyCheck(domain: string, found: Extract<MtaSts, { kind: 'found' | 'failed' }>): Check {
  const base = { id: 'mta-sts.policy', ref: 'RFC 8461 §3.2, §3.3' } as const;
  if (found.kind === 'failed') {
    const evidence = found.evidence === undefined ? found.result : `${found.result}: ${found.evidence}`;
    return {
      ...base,
      status: 'warn',
      message: `The MTA-STS policy of ${domain} cannot be had: ${found.reason}. Senders without an older one act as if there were none.`,
      evidence,
      fix: FIXES[found.result],
    };
  }
  const { policy, refreshFault } = found;
  const evidence = `mode ${policy.mode}, max_age ${policy.maxAgeSeconds} s, mx ${list(policy.mx) || 'none'}`;
  if (refreshFault) {
    return {
      ...base,
      status: 'warn',
      message: `The MTA-STS policy of ${domain} could not be renewed: ${refreshFault.reason}. The one kept from before goes on (mode ${policy.mode}).`,
      evidence: `${refreshFault.result}; ${evidence}`,
      fix: FIXES[refreshFault.result],
    };
  }
  const kept = found.source === 'cache' ? ', kept from before' : '';
  return {
    ...base,
    status: 'ok',
    ...(policy.mode !== 'enforce' && { info: true as const }),
    message: `The MTA-STS policy of ${domain} has mode ${policy.mode}${kept}: ${MODES[policy.mode]}.`,
    evidence,
  };
}

function formChecks(domain: string, { oddities, policy }: MtaStsFound): Check[] {
  const checks: Check[] = [];
  if (oddities.length > 0) {
    checks.push({
      id: 'mta-sts.policy.form',
      status: 'warn',
      message: `The MTA-STS policy of ${domain} is not quite as it should be; some senders may not take it.`,
      evidence: oddities.join(' '),
      fix: 'Serve it as text/plain, one "key: value" a line, each key but mx once.',
      ref: 'RFC 8461 §3.2',
    });
  }
  if (policy.mode === 'enforce' && policy.maxAgeSeconds < SHORT_AGE_SECONDS) {
    checks.push({
      id: 'mta-sts.policy.max-age',
      status: 'warn',
      message: `Senders forget the MTA-STS policy of ${domain} within a day: who can hold them off for that long gets past it.`,
      evidence: `max_age ${policy.maxAgeSeconds} s`,
      fix: 'Raise max_age to weeks, such as 1209600 (two weeks).',
      ref: 'RFC 8461 §3.2, §10.2',
    });
  }
  return checks;
}

function mxChecks(domain: string, { policy }: MtaStsFound, hosts: readonly string[]): Check[] {
  if (policy.mode === 'none' || hosts.length === 0) return [];
  const ref = 'RFC 8461 §4.1';
  const missing = hosts.filter((host) => !covers(policy, host));
  const unused = policy.mx.filter((pattern) => !hosts.some((host) => patternCovers(pattern, host)));
  const consequence =
    policy.mode === 'enforce'
      ? 'senders must not deliver there'
      : 'in mode enforce senders would not deliver there';
  const checks: Check[] = [
    missing.length === 0
      ? {
          id: 'mta-sts.mx',
          status: 'ok',
          message: `The MTA-STS policy of ${domain} names every exchanger.`,
          ref,
        }
      : {
          id: 'mta-sts.mx',
          status: policy.mode === 'enforce' ? 'crit' : 'warn',
          message: `The MTA-STS policy of ${domain} does not name ${list(missing)}: ${consequence}.`,
          evidence: `mx ${list(policy.mx)}`,
          fix: 'Add the exchanger to the policy and give the record a new id, or take it out of the MX records.',
          ref,
        },
  ];
  if (unused.length > 0) {
    checks.push({
      id: 'mta-sts.mx.unused',
      status: 'ok',
      info: true,
      message: `The MTA-STS policy of ${domain} names what is no exchanger now: ${list(unused)}.`,
      ref,
    });
  }
  return checks;
}

function hostChecks({ host, servedBy, versions, certificate }: MtaStsFound): Check[] {
  const checks: Check[] = [];
  if (certificate && certificate.daysLeft < EXPIRY_WARNING_DAYS) {
    checks.push({
      id: 'mta-sts.host.expiry',
      status: 'warn',
      message: `The certificate of the policy host ${host} expires in ${certificate.daysLeft} days; then the policy cannot be renewed.`,
      evidence: `notAfter ${certificate.notAfter}`,
      fix: 'Renew it.',
      ref: 'RFC 8461 §3.3',
    });
  }
  if (versions) {
    const offered = Object.entries(versions).flatMap(([version, answer]) =>
      answer === 'offered' ? version : [],
    );
    const told =
      offered.length > 0 ? `speaks ${offered.join(' and ')}` : 'could not be asked for its TLS versions';
    checks.push({
      id: 'mta-sts.host.tls',
      status: 'ok',
      info: true,
      message: `The policy host ${host} ${told}.`,
      evidence: `${Object.entries(versions)
        .map((pair) => pair.join(' '))
        .join(', ')} at ${servedBy}`,
      ref: 'RFC 8461 §3.3, RFC 9325 §3.1.1',
    });
  }
  return checks;
}

/**
 * The findings about MTA-STS: `mta-sts.record`, then as far as there is something to say `mta-sts.policy`,
 * `mta-sts.policy.form`, `mta-sts.policy.max-age`, `mta-sts.mx`, `mta-sts.mx.unused`, `mta-sts.host.expiry` and
 * `mta-sts.host.tls`. No policy is information. Whether each exchanger's certificate will do (§4.2) is the caller's.
 *
 * @param hosts  names of the exchangers of the domain; empty: nothing is said about them
 */
export function mtaStsChecks(domain: string, found: MtaSts, hosts: readonly string[]): Check[] {
  const record = recordCheck(domain, found);
  if (found.kind === 'failed') return [record, policyCheck(domain, found)];
  if (found.kind !== 'found') return [record];
  return [
    record,
    policyCheck(domain, found),
    ...formChecks(domain, found),
    ...mxChecks(domain, found, hosts),
    ...hostChecks(found),
  ];
}
