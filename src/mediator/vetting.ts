import type { Resolver } from '../dns/types.ts';
import { type Check, worst } from '../report.ts';
import type { DomainCheckResult } from '../schema/domain-check.ts';
import type { OpenSignup } from '../trust/open-signup.ts';
import { isPublicSuffix } from '../trust/organization.ts';
import type { Evidence, Proposal } from './acts.ts';
import { type Ledger, overlapping } from './ledger.ts';

/** Shortest RSA keys that an entry may sign with, and that it should. */
const MIN_BITS = 1024;
const GOOD_BITS = 2048;

/**
 * What vetting asks of what a domain publishes (RG-3): the code of `mediator vet`, `mediator watch` and
 * `domain check --for-mediator`, so that a company sees beforehand what the mediator will see.
 */
export function vettingChecks(seen: DomainCheckResult, openSignup: OpenSignup): Check[] {
  const { domain } = seen;
  return [
    existence(seen),
    ownership(domain, openSignup),
    suffix(domain),
    dmarc(seen),
    ...dkim(seen),
    bimi(seen),
  ];
}

/** What was seen of a domain, with what vetting asks beside it. */
export function withVetting(seen: DomainCheckResult, openSignup: OpenSignup): DomainCheckResult {
  const asked = vettingChecks(seen, openSignup);
  const problems = problemsOf(asked);
  const verdict =
    problems.length === 0
      ? 'A mediator could vouch for it.'
      : `A mediator could not vouch for it: ${problems.join(', ')}.`;
  const checks = [...seen.checks, ...asked];
  return {
    ...seen,
    status: worst(checks.map(({ status }) => status)),
    summary: `${seen.summary} ${verdict}`,
    checks,
  };
}

function existence({ domain, checks, mtaSts, dane }: DomainCheckResult): Check {
  const id = 'vetting.domain';
  if (checks.some((check) => check.id === 'domain.exists'))
    return { id, status: 'crit', message: `There is no domain ${domain}.`, fix: 'Check the spelling.' };
  // No exchanger, and not known whether there is one: nobody has said that there is such a domain.
  if (mtaSts.kind === 'unknown' && dane.hosts.length === 0)
    return {
      id,
      status: 'unknown',
      message: `Whether there is a domain ${domain} could not be looked up.`,
      fix: 'Vet it where the DNS can be asked.',
    };
  return { id, status: 'ok', message: `${domain} is there.` };
}

function ownership(domain: string, openSignup: OpenSignup): Check {
  const id = 'vetting.open-signup';
  const match = openSignup.find(domain);
  if (match === null)
    return { id, status: 'ok', message: `${domain} is on no list of providers where anybody can sign up.` };
  return {
    id,
    status: 'crit',
    message: `Anybody can get an address at ${match.domain}: nobody can vouch for its mail.`,
    evidence: match.date === null ? match.source : `${match.source}, ${match.date}`,
    fix: 'Send from a domain that is the company’s alone.',
  };
}

function suffix(domain: string): Check {
  const id = 'vetting.public-suffix';
  if (!isPublicSuffix(domain)) return { id, status: 'ok', message: `${domain} belongs to one holder.` };
  return {
    id,
    status: 'crit',
    message: `Anybody can get a name below ${domain}: it is a public suffix.`,
    fix: 'Send from a domain that is the company’s alone.',
  };
}

function dmarc({ domain, dmarc: seen }: DomainCheckResult): Check {
  const id = 'vetting.dmarc';
  const ref = 'RFC 9989';
  if (seen.status === 'unknown')
    return { id, status: 'unknown', message: `The DMARC policy of ${domain} could not be looked up.`, ref };
  if (seen.p === 'quarantine' || seen.p === 'reject')
    return {
      id,
      status: 'ok',
      message: `${domain} has forged mail ${seen.p === 'reject' ? 'refused' : 'set apart'} (p=${seen.p}).`,
      ...(seen.record !== null && { evidence: seen.record }),
      ref,
    };
  return {
    id,
    status: 'crit',
    message:
      seen.p === null
        ? `${domain} has no DMARC policy: mail that only claims to be from it is let through.`
        : `The DMARC policy of ${domain} is p=none: mail that only claims to be from it is let through.`,
    ...(seen.record !== null && { evidence: seen.record }),
    fix: `Publish at _dmarc.${domain}: v=DMARC1; p=quarantine.`,
    ref,
  };
}

function dkim({ domain, dkim: seen }: DomainCheckResult): Check[] {
  const id = 'vetting.dkim';
  const ref = 'RFC 8301 §3.2';
  const usable = seen.selectors.filter(({ state }) => state === 'found');
  if (usable.length === 0)
    return [
      {
        id,
        status: 'unknown',
        message: `No DKIM key of ${domain} was found, and what is not signed is never trusted.`,
        fix: 'Name the selectors that it signs with: --selector.',
        ref,
      },
    ];
  return usable.map(({ selector, type, bits, testing }) => {
    const who = `The key ${selector} of ${domain}`;
    const length = type === 'ed25519' ? GOOD_BITS : (bits ?? 0);
    const size = type === 'ed25519' ? 'ed25519' : `${length} bits`;
    if (length < MIN_BITS)
      return {
        id,
        status: 'crit',
        message: `${who} has ${size}: verifiers refuse it.`,
        fix: 'Make a new key.',
        ref,
      };
    if (testing)
      return {
        id,
        status: 'warn',
        message: `${who} is in test mode (t=y).`,
        fix: 'Remove t=y from it.',
        ref,
      };
    if (length < GOOD_BITS)
      return {
        id,
        status: 'warn',
        message: `${who} has ${size}: 2048 are due.`,
        fix: 'Make a new key.',
        ref,
      };
    return { id, status: 'ok', message: `${who} is strong enough (${size}).`, ref };
  });
}

/** What the company itself says about its logo; the mediator's list has its own. */
function bimi({ domain, bimi: { status, record, location } }: DomainCheckResult): Check {
  const id = 'vetting.bimi';
  if (record === null) {
    return status === 'unknown'
      ? {
          id,
          status,
          message: `Whether ${domain} publishes a logo itself (BIMI) could not be looked up.`,
          fix: 'Try again.',
        }
      : { id, status: 'ok', info: true, message: `${domain} publishes no logo itself (BIMI).` };
  }
  if (location)
    return { id, status: 'ok', message: `${domain} publishes a logo itself (BIMI).`, evidence: record };
  return {
    id,
    status: 'warn',
    message: `${domain} declines to have a logo shown (BIMI).`,
    evidence: record,
    fix: 'Ask the company whether it wants its logo on the list.',
  };
}

/** Where a domain shows that whoever asks to be listed controls it. */
export function challengeName(domain: string): string {
  return `_trust-challenge.${domain}`;
}

/** Whether a domain answers its challenge, asked through each of these resolvers (MD-3). */
export async function challengeCheck(
  domain: string,
  value: string | null,
  resolvers: readonly Resolver[],
): Promise<Check> {
  const id = 'vetting.challenge';
  const name = challengeName(domain);
  if (value === null)
    return {
      id,
      status: 'crit',
      message: `${domain} was never given a challenge.`,
      fix: `postern mediator challenge ${domain}`,
    };
  const answers = await Promise.all(resolvers.map((dns) => dns.resolve(name, 'TXT')));
  const failed = answers.find((answer) => answer.kind === 'failed');
  if (failed?.kind === 'failed')
    return {
      id,
      status: 'unknown',
      message: `${name} could not be looked up: ${failed.rcode}.`,
      fix: 'Try again.',
    };
  const agreed = answers.every(
    (answer) => answer.kind === 'found' && answer.records.some((strings) => strings.join('') === value),
  );
  if (agreed && resolvers.length === 1)
    return {
      id,
      status: 'warn',
      message: `${domain} answers its challenge, as far as one resolver says.`,
      evidence: value,
      fix: 'Ask another one as well: --second-resolver.',
    };
  if (agreed)
    return {
      id,
      status: 'ok',
      message: `${domain} answers its challenge, through ${resolvers.length} resolvers.`,
      evidence: value,
    };
  return {
    id,
    status: 'crit',
    message: `${domain} does not answer its challenge.`,
    fix: `Publish: ${name}. TXT "${value}"`,
  };
}

/** Checks worth keeping as evidence: what was seen, in words. */
export function evidenceOf(checks: readonly Check[]): Evidence[] {
  return checks
    .filter(({ status }) => status === 'ok' || status === 'warn')
    .map(({ id, message, evidence }) => ({
      kind: id,
      text: evidence === undefined ? message : `${message} ${evidence}`.slice(0, 2000),
    }));
}

/** Ids of checks that keep an entry from being approved: what is wrong, and what could not be told. */
export function problemsOf(checks: readonly Check[]): string[] {
  const bad = checks.filter(({ status }) => status === 'crit' || status === 'unknown');
  return [...new Set(bad.map(({ id }) => id))];
}

/** Whether another company has one of the domains. */
export function overlapCheck(ledger: Ledger, proposal: Proposal): Check {
  const id = 'vetting.overlap';
  const other = overlapping(ledger, proposal);
  if (other === null) return { id, status: 'ok', message: 'No other company has one of these domains.' };
  return {
    id,
    status: 'crit',
    message: `${other.domain} is in the entry ${other.id}, too.`,
    fix: 'Find out whose it is; suspend the other one if it was sold.',
  };
}

/** What the vetter said about who has addresses there. */
export function companyCheck(single: boolean): Check {
  const id = 'vetting.single-company';
  if (single) return { id, status: 'ok', message: 'The domains are the company’s alone.' };
  return {
    id,
    status: 'crit',
    message: 'Others than the company have addresses at these domains.',
    fix: 'Have the company send from a domain of its own.',
  };
}
