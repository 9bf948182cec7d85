import type { Situation } from './situation.ts';

/** What would make a message trusted that is not (TV-8): what follows on "To be trusted:". */
export function whatWouldTrust(s: Situation): string {
  const { domain, structure, blocked, open, forced } = s;
  if (structure.length > 0 || domain === null) {
    return 'Nothing does: a message is trusted only when its structure names one author beyond doubt.';
  }
  if (blocked.length > 0) return 'Nothing does while the local list blocks it.';
  if (open !== null && !forced) {
    return `Nothing does by itself: anybody can get an address at ${open.domain}, so a signature of it vouches for nobody.`;
  }
  const needs = [signatureNeed(s), vouchNeed(s), replayNeed(s)].filter((need) => need !== null);
  return `${capital(needs.join(', and '))}.`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function signatureNeed({ facts, qualifying, domain, vouching, vouches }: Situation): string | null {
  if (facts.headerOnly) return 'the whole message, body included, in place of its header';
  if (qualifying.length > 0) {
    return vouching.active.length > 0 && vouches.length === 0
      ? 'a signature by one of the signing domains and selectors that the list names'
      : null;
  }
  const own = facts.signatures.filter(({ aligned }) => aligned);
  const codes = [...new Set(own.flatMap(({ disqualifiedBy }) => disqualifiedBy.map(({ code }) => code)))];
  if (codes.length === 0) return `a valid DKIM signature of ${domain}`;
  return `a DKIM signature of ${domain} without ${codes.slice(0, 5).join(', ')}`;
}

function vouchNeed({ vouching, knowledge, domain }: Situation): string | null {
  if (vouching.withdrawn) return 'the withdrawal of its entry taken back';
  if (vouching.active.length > 0) return null;
  const codes = new Set(vouching.reasons.map(({ code }) => code));
  if (codes.has('registry.stale')) return 'a current copy of the list of trusted domains';
  if (codes.has('registry.expired')) return 'its entry renewed by the mediator';
  if (codes.has('registry.subdomain-excluded'))
    return `an entry that reaches ${domain}, names below the listed one included`;
  if (knowledge.registries.length === 0 && knowledge.overrides.trust.length === 0) {
    return `a list of trusted domains that has ${domain}: name one with --registry FILE or POSTERN_REGISTRY, and ask "postern trust show ${domain} --registry FILE"`;
  }
  return `an entry for ${domain} in a list of trusted domains or in the local list`;
}

function replayNeed({ strictReplay, replayed }: Situation): string | null {
  return strictReplay && replayed ? 'the recipient in To or Cc' : null;
}
