import type { Organization, Reason, SignatureFacts, Voucher } from './facts.ts';
import type { Knowledge } from './knowledge.ts';
import { reaches } from './overrides.ts';
import { type Entry, type Match, matches, type Registry } from './registry.ts';

/** What the lists say about one domain. */
export type Vouching = {
  /** Lists and local decisions that vouch for it today. */
  readonly active: readonly Vouch[];
  /** Somebody revoked or suspended it, or the administrator does not want it trusted: nobody's word counts. */
  readonly withdrawn: boolean;
  /** A mediator itself says that anybody can get an address there. */
  readonly openSignupSaidBy: string | null;
  /** Every statement that was found, for and against (`registry.*`). */
  readonly reasons: readonly Reason[];
};

/** One party that vouches. */
export type Vouch = {
  readonly voucher: Voucher;
  readonly organization: Organization;
  /** Whether a signature is one that the company signs with. */
  readonly accepts: (signature: Pick<SignatureFacts, 'domain' | 'selector'>) => boolean;
};

/** How far in the future a list may have been issued: clocks differ, a day is no clock's error. */
const MAX_AHEAD_MS = 86_400_000;

/** Ask every list about a domain (RG-10: a union of vouches; one revocation anywhere outweighs them). */
export function vouchingFor(domain: string, knowledge: Knowledge, nowMs: number): Vouching {
  const said = [
    ...knowledge.registries.flatMap((registry) => askRegistry(registry, domain, nowMs)),
    ...askLocal(domain, knowledge),
  ];
  const reasons = said.map(({ reason }) => reason);
  if (said.length === 0) reasons.push(nothingKnown(domain, knowledge));
  for (const name of knowledge.unavailable) {
    reasons.push(tell('registry.unavailable', 'warn', `The list '${name}' could not be had.`, name));
  }
  return {
    active: said.flatMap(({ vouch }) => (vouch ? [vouch] : [])),
    withdrawn: said.some(({ withdraws }) => withdraws),
    openSignupSaidBy: said.find(({ openSignup }) => openSignup !== undefined)?.openSignup ?? null,
    reasons,
  };
}

type Saying = {
  readonly reason: Reason;
  readonly vouch?: Vouch;
  readonly withdraws?: boolean;
  readonly openSignup?: string;
};

function tell(code: string, severity: Reason['severity'], text: string, source: string): Reason {
  return { code, severity, text, evidence: { source } };
}

function nothingKnown(domain: string, { registries, overrides, unavailable }: Knowledge): Reason {
  const none = registries.length === 0 && overrides.trust.length === 0 && unavailable.length === 0;
  const text = none
    ? 'No list of trusted domains is configured; `authenticated` is the best possible answer.'
    : `No list of trusted domains has ${domain}.`;
  return { code: 'registry.none', severity: 'info', text, evidence: null };
}

function askRegistry(registry: Registry, domain: string, nowMs: number): readonly Saying[] {
  const found = matches(registry, domain);
  const covering = found.filter(({ covers }) => covers);
  // A name above that keeps its subdomains to itself is worth telling only when nothing reaches the domain.
  if (covering.length === 0)
    return found.slice(0, 1).map((match) => subdomainExcluded(registry, match, domain));
  return covering.flatMap((match) => [judge(registry, match, nowMs), ...overdue(registry, match, nowMs)]);
}

function subdomainExcluded({ mediator }: Registry, { listed }: Match, domain: string): Saying {
  const text = `${mediator.name} vouches for ${listed.domain}, not for names below it such as ${domain}.`;
  return { reason: tell('registry.subdomain-excluded', 'warn', text, mediator.id) };
}

/** A mediator looks at each entry again within 13 months (RG-2); one that did not says less than it seems to. */
function overdue({ mediator }: Registry, { entry }: Match, nowMs: number): readonly Saying[] {
  const { nextReviewMs } = entry.vetting;
  if (entry.status !== 'active' || nowMs <= nextReviewMs) return [];
  const text = `${mediator.name} was to look at ${entry.organization.name} again by ${day(nextReviewMs)}.`;
  return [{ reason: tell('registry.review-overdue', 'warn', text, mediator.id) }];
}

/** One entry: withdrawn first, for that holds however old the list is; then the list; then its dates. */
function judge(registry: Registry, match: Match, nowMs: number): Saying {
  const { mediator, issuedMs, expiresMs } = registry;
  const { entry } = match;
  const say = (code: string, text: string) => tell(`registry.${code}`, 'warn', text, mediator.id);
  if (entry.status !== 'active' || isRevoked(entry, nowMs)) {
    return {
      withdraws: true,
      reason: {
        ...say(entry.status === 'suspended' ? 'suspended' : 'revoked', withdrawn(mediator.name, entry)),
        severity: 'crit',
      },
    };
  }
  if (entry.vetting.openSignup) {
    const text = `${mediator.name} says that anybody can get an address of ${match.listed.domain}.`;
    return { openSignup: mediator.id, reason: say('open-signup', text) };
  }
  if (nowMs > expiresMs) {
    return { reason: say('stale', `The list of ${mediator.name} was valid until ${day(expiresMs)}.`) };
  }
  if (issuedMs > nowMs + MAX_AHEAD_MS) {
    return {
      reason: say(
        'stale',
        `The list of ${mediator.name} was issued on ${day(issuedMs)}, which is yet to come.`,
      ),
    };
  }
  if (nowMs > entry.validUntilMs) {
    return {
      reason: say(
        'expired',
        `${mediator.name} vouched for ${entry.organization.name} until ${day(entry.validUntilMs)}.`,
      ),
    };
  }
  if (nowMs < entry.validFromMs) {
    return {
      reason: say(
        'not-yet',
        `${mediator.name} vouches for ${entry.organization.name} from ${day(entry.validFromMs)}.`,
      ),
    };
  }
  if (!entry.vetting.singleCompany) {
    return {
      reason: say(
        'shared-domain',
        `${mediator.name} says that ${match.listed.domain} is not of one company alone.`,
      ),
    };
  }
  return vouches(registry, match);
}

function isRevoked({ revokedAtMs }: Entry, nowMs: number): boolean {
  return revokedAtMs !== null && revokedAtMs <= nowMs;
}

function withdrawn(mediator: string, { organization, status, revokedAtMs, reason }: Entry): string {
  const act = status === 'suspended' ? 'suspended' : 'revoked';
  const when = revokedAtMs === null ? '' : ` on ${day(revokedAtMs)}`;
  return `${mediator} ${act} the entry of ${organization.name}${when}${reason === null ? '' : ` (${reason})`}.`;
}

function vouches({ mediator }: Registry, { entry, listed }: Match): Saying {
  const { dkimDomains, selectors } = listed;
  return {
    vouch: {
      voucher: { source: mediator.id, mediator: mediator.name, entry: entry.id },
      organization: entry.organization,
      accepts: ({ domain, selector }) =>
        (dkimDomains === null || dkimDomains.includes(domain)) &&
        (selectors === null || selectors.includes(selector.toLowerCase())),
    },
    reason: tell(
      `registry.active:${entry.id}`,
      'info',
      `${mediator.name} vouches that ${listed.domain} belongs to ${entry.organization.name}.`,
      mediator.id,
    ),
  };
}

function askLocal(domain: string, { overrides }: Knowledge): readonly Saying[] {
  const blocked = overrides.block.filter((each) => each.from === 'trust' && reaches(each, domain));
  const trusted = overrides.trust.filter((each) => reaches(each, domain));
  return [
    ...blocked.map((each) => ({
      withdraws: true,
      reason: tell(
        'registry.local-block',
        'warn',
        `The local list says that ${each.domain} is not to be trusted.`,
        'local',
      ),
    })),
    ...trusted.map((each) => ({
      vouch: {
        voucher: { source: 'local', mediator: 'the local list', entry: each.domain },
        organization: { name: each.name, legalName: null, country: null, website: null },
        accepts: () => true,
      },
      reason: tell(
        `registry.active:${each.domain}`,
        'info',
        `The local list trusts ${each.domain}.`,
        'local',
      ),
    })),
  ];
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
