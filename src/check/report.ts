import type { MessagePath } from '../received/types.ts';
import { type Check, type Status, worst } from '../report.ts';
import type { Decision, Reason, Verdict } from '../trust/facts.ts';
import { isOffline } from '../trust/reasons.ts';
import type { Authentication, JudgedSignature } from './authenticate.ts';
import type { Envelope } from './envelope.ts';
import { senderBeforeSrs } from './forwarding.ts';
import type {
  BimiSection,
  DnsblSection,
  LoneSignatureSection,
  MarkSection,
  MessageCheck,
  RecordedSection,
  SignatureSection,
  SpfSection,
} from './types.ts';

export type ReportInput = {
  readonly target: string | null;
  readonly path: MessagePath;
  readonly envelope: Envelope;
  readonly found: Authentication;
  readonly decision: Decision;
  readonly recorded: readonly RecordedSection[];
  /** Why SPF may have failed by forwarding; null where nothing says so. */
  readonly forwarding: string | null;
  /** Null when nobody asked. */
  readonly bimi: BimiSection | null;
  readonly dnsbl: readonly DnsblSection[];
  /** The time that judged expiry, milliseconds since the epoch. */
  readonly asOfMs: number;
};

/** The result of a check, from what was found out and decided. */
export function describeCheck(input: ReportInput): MessageCheck {
  const { target, path, found, decision, recorded, asOfMs } = input;
  const { signaturesAligned: _, spfAligned: __, ...dmarc } = found.dmarc;
  const { target: ___, ...way } = path;
  const spf = spfSection(input);
  const signatures = found.signatures.map(signatureSection);
  const checks = [
    verdictCheck(decision),
    note('spf', spfSentence(spf)),
    note('dkim', dkimSentence(signatures)),
    note('dmarc', dmarcSentence(dmarc, decision.authorDomain)),
    note('arc', arcSentence(found.arc)),
    ...(input.bimi === null ? [] : [note('bimi', bimiSentence(input.bimi))]),
    ...(input.dnsbl.length === 0 ? [] : [note('dnsbl', dnsblSentence(input.dnsbl))]),
    note('path', path.summary),
    ...decision.reasons.slice(0, MAX_CHECKS).map(reasonCheck),
  ];
  return {
    target,
    status: worst(checks.map(({ status }) => status)),
    summary: summarise(decision),
    checks,
    verdict: decision.verdict,
    reasons: decision.reasons,
    authorDomain: decision.authorDomain,
    organization: decision.organization,
    vouchers: decision.vouchers,
    wouldTrust: decision.wouldTrust,
    undecidedBy: decision.undecidedBy,
    asOf: iso(asOfMs),
    spf,
    dkim: { signatures },
    dmarc,
    arc: found.arc,
    bimi: input.bimi,
    dnsbl: input.dnsbl,
    recorded,
    path: way,
  };
}

export function iso(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}

/** A message with hundreds of signatures has as many reasons; all of them stand in `reasons`. */
const MAX_CHECKS = 100;

/** A reason as a check. The verdict has the status: its reasons are told and do not count again. */
function reasonCheck({ code, text, evidence }: Reason): Check {
  const [id = code, about] = code.split(/:(.*)/s);
  const seen = about ?? evidence?.quote ?? evidence?.dns;
  return { ...note(id, text), ...(seen !== undefined && { evidence: seen }) };
}

export function note(id: string, message: string): Check {
  return { id, status: 'ok', info: true, message };
}

const STATUS: Readonly<Record<Verdict, Status>> = {
  trusted: 'ok',
  authenticated: 'ok',
  'open-signup': 'ok',
  unauthenticated: 'warn',
  suspicious: 'crit',
};

function verdictCheck(decision: Decision): Check {
  const { verdict, undecidedBy, reasons, wouldTrust } = decision;
  const [first] = reasons;
  return {
    id: 'verdict',
    status: undecidedBy === null ? STATUS[verdict] : 'unknown',
    message: summarise(decision),
    ...(first && { evidence: first.code }),
    ...(wouldTrust !== null && { fix: wouldTrust }),
  };
}

function summarise({ verdict, authorDomain, organization, undecidedBy, reasons }: Decision): string {
  const who = authorDomain ?? 'nobody that can be named';
  if (undecidedBy === 'dns')
    return `It could not be told whether this is from ${who}: the DNS ${isOffline(reasons) ? 'was not asked' : 'gave no answer'}.`;
  if (undecidedBy === 'body')
    return `It could not be told whether this is from ${who}: ${withoutBody(reasons)}.`;
  switch (verdict) {
    case 'trusted':
      return `This is from ${organization?.name ?? who} (${who}), and that is a trusted domain.`;
    case 'authenticated':
      return `This is from ${who}; nobody vouches for that domain.`;
    case 'open-signup':
      return `This is from ${who}, where anybody can get an address.`;
    case 'unauthenticated':
      return `Nothing proves that this is from ${who}.`;
    case 'suspicious':
      return `This is suspicious: ${lowerFirst(reasons[0]?.text ?? 'it does not fit together.')}`;
  }
}

function withoutBody(reasons: Decision['reasons']): string {
  const isCut = reasons.some(({ code }) => code === 'bound.message');
  return isCut ? 'the message is larger than what is read' : 'only the header was given';
}

function lowerFirst(text: string): string {
  return /^(?:The|A|An|It|Programs|What|Nothing|There)\b/.test(text)
    ? text.charAt(0).toLowerCase() + text.slice(1)
    : text;
}

export function spfSection({
  envelope,
  found,
  forwarding,
}: Pick<ReportInput, 'envelope' | 'forwarding'> & {
  readonly found: Pick<Authentication, 'spf' | 'spfHelo'>;
}): SpfSection {
  const { ip, helo, mailFrom, noQuestion } = envelope;
  const { spf, spfHelo } = found;
  return {
    result: spf?.result ?? 'not-evaluated',
    reason: spf === null ? noQuestion : spf.reason,
    domain: spf?.domain || null,
    identity: spf?.identity ?? null,
    ip: spf?.ip ?? ip.value,
    helo: helo.value,
    mailFrom: mailFrom.value,
    origin: { ip: ip.origin, helo: helo.origin, mailFrom: mailFrom.origin },
    lookups: spf?.lookups ?? 0,
    explanation: spf?.explanation ?? null,
    tree: spf?.tree ?? null,
    heloResult: spfHelo?.result ?? null,
    forwarding,
    sender: senderBeforeSrs(envelope),
  };
}

/** What a signature says and what became of it, without its place among what the author's domain wants. */
export function loneSignatureSection(signature: JudgedSignature): LoneSignatureSection {
  const { aligned: _, qualifies: __, ...section } = signatureSection(signature);
  return section;
}

function signatureSection(signature: JudgedSignature): SignatureSection {
  const { qualification, signedAtMs, expiresAtMs, key } = signature;
  return {
    domain: signature.domain,
    selector: signature.selector,
    algorithm: signature.algorithm,
    result: signature.result,
    reason: signature.reason,
    cause: signature.cause,
    aligned: signature.aligned,
    qualifies: qualification.qualifies,
    disqualifiedBy: qualification.disqualifiedBy.map(({ code }) => code),
    warnings: qualification.warnings.map(({ code }) => code),
    canonicalization: signature.canonicalization,
    headers: signature.headers,
    bodyLength: signature.bodyLength,
    identity: signature.identity,
    signedAt: signedAtMs === null ? null : iso(signedAtMs),
    expiresAt: expiresAtMs === null ? null : iso(expiresAtMs),
    keyBits: key?.bits ?? null,
    key,
    diagnosis: signature.diagnosis,
  };
}

export function spfSentence({ result, domain, ip, mailFrom, reason, origin }: SpfSection): string {
  if (result === 'not-evaluated')
    return `SPF was not evaluated: ${lowerFirst(reason ?? 'nothing is known.')}`;
  const path = mailFrom === '' ? 'an empty return path' : mailFrom;
  const words = { given: 'as given', unknown: 'unknown' } as const;
  const from = words[origin.ip as keyof typeof words] ?? `from ${spell(origin.ip)}`;
  return `SPF is ${result} for ${domain ?? 'no domain'}, as seen now for ${ip} / ${path} (${from}).`;
}

function spell(origin: string): string {
  const names: Readonly<Record<string, string>> = {
    'received-spf': 'Received-SPF',
    'authentication-results': 'Authentication-Results',
    received: 'Received',
    'return-path': 'Return-Path',
  };
  return names[origin] ?? origin;
}

export function dkimSentence(signatures: readonly LoneSignatureSection[]): string {
  if (signatures.length === 0) return 'There is no DKIM signature.';
  const passed = signatures.filter(({ result }) => result === 'pass');
  const one = signatures.length === 1;
  if (passed.length === 0)
    return `${one ? 'The DKIM signature does not verify' : `None of ${signatures.length} DKIM signatures verifies`}: ${lowerFirst(signatures[0]?.reason ?? 'no reason.')}`;
  const names = [...new Set(passed.map(({ domain }) => domain))].slice(0, 5).join(', ');
  return one
    ? `The DKIM signature of ${names} verifies.`
    : `${passed.length} of ${signatures.length} DKIM signatures verify, of ${names}.`;
}

function dmarcSentence(dmarc: MessageCheck['dmarc'], author: string | null): string {
  if (dmarc.result === 'pass') {
    const by = [dmarc.aligned.dkim ? 'DKIM' : '', dmarc.aligned.spf ? 'SPF' : '']
      .filter(Boolean)
      .join(' and ');
    return `DMARC passes for ${author} by ${by}.`;
  }
  const policy = dmarc.policy === null ? '' : ` The policy is ${dmarc.policy}.`;
  return `DMARC is ${dmarc.result}: ${dmarc.reason ?? ''}${policy}`;
}

export function arcSentence({ result, reason, sets }: MessageCheck['arc']): string {
  if (sets.length === 0) return 'There is no ARC set.';
  const newest = sets.at(-1)?.sealer ?? 'an unknown sealer';
  const why = reason === null ? '' : ` (${reason})`;
  return `ARC is ${result}${why}; the newest of ${sets.length} sets is sealed by ${newest}.`;
}

/** Whose logo it is, by whose word; untrusted text. */
export function markWords({ kind, organization, authority, validUntil }: MarkSection): string {
  const whose = organization ?? 'somebody without a name';
  return `${authority} certifies the logo of ${whose} (${kind.toUpperCase()}, until ${validUntil.slice(0, 10)}).`;
}

function bimiSentence({ result, reason, domain, location, mark }: BimiSection): string {
  if (mark !== null) return `BIMI is pass: ${markWords(mark)}`;
  const where = location ? ` The logo of ${domain} is said to be at ${location}.` : '';
  return `BIMI is ${result}${reason === null ? '.' : `: ${reason}`}${where}`;
}

function dnsblSentence(sections: readonly DnsblSection[]): string {
  const blocked = sections.filter(({ status, purpose }) => status === 'listed' && purpose === 'block');
  const told = sections.filter(({ status }) => status === 'listed' || status === 'not-listed');
  const silent = sections.length - told.length;
  const rest = silent === 0 ? '' : `; ${silent} could not be told`;
  return `${blocked.length} of ${sections.length} answers of block lists are listings${rest}.`;
}
