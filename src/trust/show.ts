import type { Check, Report, Status } from '../report.ts';
import { decide, type Policy } from './decide.ts';
import type { Decision, Facts, Reason, SignatureFacts } from './facts.ts';
import type { Knowledge } from './knowledge.ts';
import { toUnicode } from './names.ts';
import { matches } from './registry.ts';

/** An entry that names a domain or one above it. */
export type ShownEntry = {
  readonly mediator: string;
  readonly id: string;
  readonly organization: string;
  readonly domain: string;
  /** It reaches the domain asked about. */
  readonly covers: boolean;
  readonly status: 'active' | 'suspended' | 'revoked';
  readonly validFrom: string;
  readonly validUntil: string;
  readonly level: string;
  readonly checkedAt: string;
  readonly checkedBy: readonly string[];
  readonly nextReview: string;
  readonly mailTypes: readonly string[];
};

/** What is known of a domain without any message. */
export type DomainStanding = Report &
  Pick<Decision, 'verdict' | 'reasons' | 'organization' | 'vouchers' | 'wouldTrust'> & {
    readonly domain: string;
    readonly unicode: string;
    readonly entries: readonly ShownEntry[];
  };

/**
 * The best that mail of a domain can be: the verdict on a message that the domain has signed without fault,
 * so that this and the verdict on a real one can never differ in their rules.
 *
 * @param domain  A-labels, lower case
 * @param advice  what others think of it: told, and without weight
 */
export function standingOf(
  domain: string,
  knowledge: Knowledge,
  nowMs: number,
  policy: Policy = {},
  advice: readonly Reason[] = [],
): DomainStanding {
  const decision = decide({ ...faultless(domain, knowledge), remarks: advice }, knowledge, nowMs, policy);
  const reasons = decision.reasons.filter(({ code }) => !/^(?:dkim|dmarc|spf|vouch)\./.test(code));
  const { verdict, organization, vouchers, wouldTrust } = decision;
  return {
    target: domain,
    status: statusOf(decision.verdict, reasons),
    summary: summarise(domain, decision),
    checks: reasons.map(asCheck),
    domain,
    unicode: toUnicode(domain),
    verdict,
    reasons,
    organization,
    vouchers,
    wouldTrust,
    entries: entriesOf(domain, knowledge),
  };
}

/** A message that nothing speaks against, signed by each signer that an entry asks for. */
function faultless(domain: string, { registries }: Knowledge): Facts {
  const signers = registries.flatMap((registry) =>
    matches(registry, domain).map(({ listed }) => ({
      domain: listed.dkimDomains?.[0] ?? domain,
      selector: listed.selectors?.[0] ?? '',
    })),
  );
  return {
    author: {
      domain,
      mailboxes: [{ display: '', local: 'somebody', domain }],
      replyTo: [],
      field: null,
      faults: [],
    },
    signatures: [{ domain, selector: '' }, ...signers].map(validSignature),
    spf: { result: 'not-evaluated', domain: null },
    dmarc: { result: 'pass', policy: null, alignedSpf: false, alignedDkim: true },
    arc: { result: 'none', sealer: null, dmarcPassFor: null },
    temporaryErrors: [],
    headerOnly: false,
    delivery: { recipient: null, addressed: [] },
    remarks: [],
  };
}

function validSignature(signer: { readonly domain: string; readonly selector: string }): SignatureFacts {
  return {
    ...signer,
    result: 'pass',
    aligned: true,
    altered: false,
    bodyUnknown: false,
    signedAtMs: null,
    disqualifiedBy: [],
    warnings: [],
  };
}

function statusOf(verdict: Decision['verdict'], reasons: readonly Reason[]): Status {
  if (verdict === 'suspicious' || reasons.some(({ severity }) => severity === 'crit')) return 'crit';
  return reasons.some(({ severity }) => severity === 'warn') ? 'warn' : 'ok';
}

function summarise(domain: string, { verdict, organization, vouchers }: Decision): string {
  switch (verdict) {
    case 'trusted': {
      const by = [...new Set(vouchers.map(({ mediator }) => mediator))].join(' and ');
      return `Mail that ${domain} signs is trusted: ${organization?.name ?? domain}, vouched for by ${by}.`;
    }
    case 'open-signup':
      return `Anybody can get an address at ${domain}: its mail can be genuine and is never trusted.`;
    case 'suspicious':
      return `Mail of ${domain} is suspicious, even when it is signed.`;
    default:
      return `Mail that ${domain} signs is authenticated; nobody vouches for it.`;
  }
}

/** A reason as a check: what stands behind the colon of its code is evidence. */
function asCheck({ code, severity, text, evidence }: Reason): Check {
  const [id = code, ...rest] = code.split(':');
  const seen = evidence?.quote ?? rest.join(':');
  const base = { id, message: text, ...(seen !== '' && { evidence: seen }) };
  return severity === 'info' ? { ...base, status: 'ok', info: true } : { ...base, status: severity };
}

function entriesOf(domain: string, { registries }: Knowledge): readonly ShownEntry[] {
  return registries.flatMap((registry) =>
    matches(registry, domain).map(({ entry, listed, covers }) => ({
      mediator: registry.mediator.name,
      id: entry.id,
      organization: entry.organization.name,
      domain: listed.domain,
      covers,
      status: entry.status,
      validFrom: iso(entry.validFromMs),
      validUntil: iso(entry.validUntilMs),
      level: entry.vetting.level,
      checkedAt: iso(entry.vetting.checkedAtMs),
      checkedBy: entry.vetting.checkedBy,
      nextReview: iso(entry.vetting.nextReviewMs),
      mailTypes: entry.mailTypes,
    })),
  );
}

function iso(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}
