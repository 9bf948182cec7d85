import { X509Certificate } from 'node:crypto';
import { type DaneLookup, hasUsable } from '../dane/lookup.ts';
import { tlsaName, tlsaText, whyUnusable } from '../dane/tlsa.ts';
import { type DaneVerdict, verifyDane } from '../dane/verify.ts';
import type { TlsaRecord } from '../dns/types.ts';
import type { Check } from '../report.ts';
import type { Conversation } from './conversation.ts';
import type { FoundHost } from './hosts.ts';

const REF = 'RFC 7672';

function recordsCheck(host: string, dane: Extract<DaneLookup, { kind: 'records' }>): Check[] {
  const { records, name, mxSecure } = dane;
  const unusable = records.flatMap((record) => {
    const reason = whyUnusable(record);
    return reason === undefined ? [] : [`${tlsaText(record).slice(0, 40)}: ${reason}`];
  });
  const checks: Check[] = [
    {
      id: 'dane.tlsa.records',
      status: 'ok',
      info: true,
      message: `DANE: ${name} has ${records.length === 1 ? 'one TLSA record' : `${records.length} TLSA records`}: ${[...new Set(records.map(tlsaName))].join(', ')}.`,
      evidence: records.slice(0, 8).map(tlsaText).join(' | '),
      ref: `${REF} §3.1`,
    },
  ];
  if (unusable.length > 0) {
    const none = unusable.length === records.length;
    checks.push({
      id: 'dane.tlsa.usable',
      ...(none ? { status: 'warn' } : { status: 'ok', info: true }),
      message: none
        ? `None of the TLSA records of ${host} is usable for SMTP: senders that follow DANE insist on TLS and authenticate nobody.`
        : `${unusable.length} of the TLSA records of ${host} cannot be used for SMTP; senders pass over them.`,
      evidence: unusable.slice(0, 8).join(' | '),
      fix: 'Publish 3 1 1 with the SHA-256 of the server’s public key ("postern mx tlsa make").',
      ref: `${REF} §3.1.3`,
    });
  }
  if (!mxSecure) {
    checks.push({
      id: 'dane.mx',
      status: 'ok',
      info: true,
      message: `The MX records that name ${host} are not validated: DANE authenticates the host, but not that it is the right one.`,
      fix: 'Sign the domain’s own zone with DNSSEC, too.',
      ref: `${REF} §2.2.1`,
    });
  }
  return checks;
}

/** What the DNS says about DANE at one host. Absence is information, an error is not absence. */
export function daneHostChecks({ host, dane }: FoundHost): Check[] {
  const info = { id: 'dane.tlsa.records', status: 'ok', info: true } as const;
  switch (dane.kind) {
    case 'not-secure':
      return [{ ...info, message: `No DANE for ${host}: ${dane.reason}.`, ref: `${REF} §2.2` }];
    case 'none':
      return [
        {
          ...info,
          message: `No DANE for ${host}: there is no TLSA record at ${dane.name}.`,
          ref: `${REF} §2.2`,
        },
      ];
    case 'failed':
      return [
        {
          id: dane.bogus ? 'dns.bogus' : 'dane.tlsa.lookup',
          status: dane.bogus ? 'crit' : 'unknown',
          message: `The DNS did not say whether ${dane.name} has TLSA records: ${dane.reason}; senders that follow DANE do not deliver to ${host} meanwhile.`,
          evidence: dane.evidence,
          fix: 'Ask the zone’s name servers for that name themselves: they must deny it with signatures, not fail.',
          ref: `${REF} §2.1.3, §2.2`,
        },
      ];
    case 'records':
      return recordsCheck(host, dane);
  }
}

/** Compare what a server presented, in one conversation, with the records of its host. */
export function daneVerdict(
  { dane }: FoundHost,
  domain: string,
  { tls }: Conversation,
  nowMs: number,
): DaneVerdict | null {
  if (dane.kind !== 'records' || !tls) return null;
  // RFC 7672 §3.2.2: the host's own name, and the domain that mail is for.
  return verifyDane(dane.records, { chain: tls.chain, names: [dane.base, domain], nowMs });
}

function mismatchFix(records: readonly TlsaRecord[], { tls }: Conversation): string {
  const key = tls?.certificate?.spkiSha256;
  const proper = key === undefined ? '' : ` Its present key would be 3 1 1 ${key}.`;
  return `Publish the record of the certificate in use, or put the certificate back that ${records.length > 1 ? 'one of the records names' : 'the record names'}.${proper}`;
}

/** What the record of an authority covers: intermediates change without notice (2 x x). */
function issuersCheck(verdict: DaneVerdict, { tls }: Conversation): Check[] {
  const anchored = verdict.records.some(({ record, state }) => record.certUsage === 2 && state === 'matched');
  const [, ...issuers] = (tls?.chain ?? []).slice(0, 8).flatMap((der) => {
    try {
      return [new X509Certificate(der)];
    } catch {
      return [];
    }
  });
  if (!anchored || issuers.length === 0) return [];
  return [
    {
      id: 'dane.issuers',
      status: 'ok',
      info: true,
      message:
        'The record names an authority: when it starts to issue with another certificate, mail stops. Publish its other ones as well.',
      evidence: issuers.map(({ subject }) => subject.replaceAll('\n', ', ')).join(' ← '),
      ref: 'RFC 7671 §5.2',
    },
  ];
}

function rolloverCheck(verdict: DaneVerdict): Check {
  const usable = verdict.records.filter(({ state }) => state !== 'unusable' && state !== 'superseded');
  const spare = usable.filter(({ state }) => state !== 'matched').length;
  return {
    id: 'dane.rollover',
    status: 'ok',
    info: true,
    message:
      spare > 0
        ? `Ready for another key: ${spare === 1 ? 'one more record is' : `${spare} more records are`} published.`
        : 'No second record is published: publish that of the next key before you change it.',
    ref: 'RFC 7671 §8.1',
  };
}

/** The findings about one address whose host has TLSA records. */
export function daneAddressChecks(
  { dane }: FoundHost,
  talk: Conversation,
  verdicts: readonly DaneVerdict[],
): Check[] {
  if (dane.kind !== 'records' || talk.starttls === 'unknown') return [];
  const [verdict] = verdicts;
  if (!verdict) {
    return [
      {
        id: 'dane.starttls',
        status: 'crit',
        message: hasUsable(dane)
          ? 'TLSA records are published, but there is no TLS: senders that follow DANE do not deliver here.'
          : 'TLSA records are published, so senders that follow DANE insist on TLS, but there is none.',
        fix: 'Mend STARTTLS on the server, or take the TLSA records out of the zone.',
        ref: `${REF} §2.2`,
      },
    ];
  }
  const wrong = verdicts.find(({ result }) => result === 'mismatch');
  if (wrong) {
    return [
      {
        id: 'dane.tlsa.match',
        status: 'crit',
        message: `DANE fails: ${wrong.reason}; senders that follow DANE do not deliver here.`,
        evidence: wrong.records
          .map(({ record, state }) => `${tlsaText(record).slice(0, 40)} ${state}`)
          .slice(0, 8)
          .join(' | '),
        fix: mismatchFix(dane.records, talk),
        ref: `${REF} §3.1`,
      },
    ];
  }
  // Nothing usable was told at the host already.
  if (verdict.result === 'unusable') return [];
  const matched = verdict.records.find(({ state }) => state === 'matched');
  return [
    {
      id: 'dane.tlsa.match',
      status: 'ok',
      message: `DANE: the server is who the DNS says (${matched ? tlsaName(matched.record) : 'TLSA'}).`,
      ref: `${REF} §3.1`,
    },
    rolloverCheck(verdict),
    ...issuersCheck(verdict, talk),
  ];
}
