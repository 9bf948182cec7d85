import type { Facts, Reason } from './facts.ts';
import { isAtOrBelow } from './organization.ts';
import {
  failsPolicy,
  isAltered,
  isAuthentic,
  isSealed,
  isVouchedAndUnsigned,
  type Situation,
} from './situation.ts';

/** Every reason there is (TV-8), whichever row decides. */
export function reasonsOf(s: Situation): readonly Reason[] {
  return [
    ...s.structure,
    ...s.blocked,
    ...openReasons(s),
    ...s.deceptions,
    ...s.vouching.reasons,
    ...signatureReasons(s),
    ...dmarcReasons(s),
    ...undecidedReasons(s),
    ...arcReasons(s),
    ...(s.replayed ? [replay(s)] : []),
    ...s.facts.remarks,
    ...s.knowledge.remarks,
  ];
}

function info(code: string, text: string): Reason {
  return { code, severity: 'info', text, evidence: null };
}

function openReasons({ open, forced, removed }: Situation): readonly Reason[] {
  if (open === null) return [];
  const evidence = { source: open.source };
  const since = open.date === null ? '' : ` (${open.source}, ${open.date})`;
  const what = open.kind === 'disposable' ? 'a provider of throw-away addresses' : 'a free sign-up provider';
  const listed = {
    code: `open-signup.listed:${open.source}`,
    severity: 'info',
    text: `${open.domain} is ${what}: anybody can get an address there${since}.`,
    evidence,
  } as const;
  if (forced) {
    const text = `The local list names ${open.domain} and --force was given, though it is ${what}.`;
    return [listed, { code: 'open-signup.forced', severity: 'warn', text, evidence }];
  }
  if (!removed) return [listed];
  const text = `The local list takes ${open.domain} from the free sign-up providers; without --force it cannot be trusted all the same.`;
  return [listed, { code: 'open-signup.removed', severity: 'warn', text, evidence }];
}

function signatureReasons(s: Situation): readonly Reason[] {
  const { facts, qualifying, vouching, vouches } = s;
  const reasons = facts.signatures.flatMap((each) => [
    ...(qualifying.includes(each)
      ? [
          info(
            'dkim.pass',
            `The DKIM signature of ${each.domain} (selector ${each.selector}) is valid and covers what is shown.`,
          ),
        ]
      : []),
    ...each.disqualifiedBy,
    ...each.warnings,
  ]);
  if (facts.signatures.length === 0) reasons.push(info('dkim.none', 'The message has no DKIM signature.'));
  if (vouching.active.length > 0 && qualifying.length > 0 && vouches.length === 0) {
    const text =
      'The list of trusted domains names other signing domains or selectors than that of the signature.';
    reasons.push({ code: 'registry.other-signer', severity: 'warn', text, evidence: null });
  }
  if (isAltered(s)) {
    const text = 'What the author signed is not what arrived: body or headers were altered on the way.';
    reasons.push({ code: 'dkim.altered', severity: 'crit', text, evidence: null });
  }
  return reasons;
}

function dmarcReasons(s: Situation): readonly Reason[] {
  const { dmarc, spf } = s.facts;
  const reasons: Reason[] = [];
  if (dmarc.result === 'pass') reasons.push(info('dmarc.pass', `DMARC passes for ${s.domain}.`));
  if (dmarc.result === 'fail') {
    const text = `DMARC fails for ${s.domain}, whose policy is ${dmarc.policy ?? 'none'}.`;
    reasons.push({ code: 'dmarc.fail', severity: failsPolicy(s) ? 'crit' : 'warn', text, evidence: null });
  }
  if (dmarc.result === 'none' && s.domain !== null)
    reasons.push(info('dmarc.none', `${s.domain} has no DMARC record.`));
  if (dmarc.result === 'permerror')
    reasons.push({
      code: 'dmarc.permerror',
      severity: 'warn',
      text: `The DMARC record of ${s.domain} cannot be used.`,
      evidence: null,
    });
  if (!dmarc.alignedSpf) reasons.push(spfReason(spf));
  if (isAuthentic(s) && s.qualifying.length === 0) {
    const text = dmarc.alignedDkim
      ? 'The author is proved by a DKIM signature that is not good enough to be trusted.'
      : 'The author is proved by SPF alone, which says which host sent it: only a DKIM signature can be trusted.';
    reasons.push(info('vouch.needs-dkim', text));
  }
  if (isVouchedAndUnsigned(s)) {
    const text = `A listed company signs its mail, and nothing proves that this is from ${s.domain}.`;
    reasons.push({ code: 'vouched.unsigned', severity: 'crit', text, evidence: null });
  }
  return reasons;
}

function spfReason({ result, domain }: Facts['spf']): Reason {
  if (result === 'not-evaluated') return info('spf.not-evaluated', 'SPF was not evaluated.');
  if (result === 'pass')
    return info('spf.unaligned', `SPF passes for ${domain ?? 'a domain'}, which is not the author's.`);
  return info(`spf.${result}`, `SPF is ${result}${domain === null ? '' : ` for ${domain}`}.`);
}

/** The rcode of a question that nobody was asked. */
const OFFLINE = 'OFFLINE';

/** Whether something is open for want of the DNS, which was not to be asked. */
export function isOffline(reasons: readonly Reason[]): boolean {
  return reasons.some(({ evidence }) => evidence?.rcode === OFFLINE);
}

function undecidedReasons({ facts }: Situation): readonly Reason[] {
  const late = facts.temporaryErrors.map(({ check, dns, rcode, decisive }) => {
    const silence = rcode === OFFLINE ? 'was not asked' : 'gave no answer';
    return {
      code: `temperror.${check}`,
      severity: decisive ? ('warn' as const) : ('info' as const),
      text: `The DNS ${silence} for ${dns}, so ${check.toUpperCase()} could not be finished.`,
      evidence: { dns, ...(rcode !== null && { rcode }) },
    };
  });
  if (!facts.headerOnly) return late;
  const text = 'Only a header was given: what needs the body is not known, and nothing can be trusted.';
  return [...late, { code: 'message.header-only', severity: 'warn', text, evidence: null }];
}

function arcReasons(s: Situation): readonly Reason[] {
  const { arc, author } = s.facts;
  if (arc.sealer === null) return [];
  if (isSealed(s)) {
    const text = `${arc.sealer}, a sealer of the local list, saw DMARC pass for ${author.domain}.`;
    return [{ code: `arc.override:${arc.sealer}`, severity: 'warn', text, evidence: { source: 'local' } }];
  }
  const listed = s.knowledge.overrides.sealers.some((each) => isAtOrBelow(arc.sealer ?? '', each));
  const why = listed ? 'its seal does not speak for this author' : 'it is not on the local list of sealers';
  return [info('arc.ignored', `The ARC seal of ${arc.sealer} changes nothing, as ${why}.`)];
}

function replay({ facts: { delivery }, domain }: Situation): Reason {
  const text = `It was delivered to ${delivery.recipient ?? 'somebody'}, whom neither To nor Cc names, and ${domain} signed it more than a day ago: it may have been sent again by others.`;
  return { code: 'replay.suspected', severity: 'warn', text, evidence: null };
}
