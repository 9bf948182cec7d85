import type { X509Certificate } from 'node:crypto';
import type { TlsaRecord } from '../dns/types.ts';
import { type Check, type Status, worst } from '../report.ts';
import type { MxTlsaCheckResult } from '../schema/mx-tlsa.ts';
import type { DaneLookup } from './lookup.ts';
import { tlsaText } from './tlsa.ts';
import { type DaneVerdict, tlsaData, verifyDane } from './verify.ts';

/** What is known before a certificate is changed. */
export type Rollover = {
  readonly host: string;
  readonly port: number;
  readonly dane: DaneLookup;
  /** The certificates that the server presents now, DER; null when it was not reached, with the reason. */
  readonly present: { readonly chain: readonly Uint8Array[] } | { readonly reason: string };
  /** The certificates that it will present, its own first. */
  readonly next: readonly [X509Certificate, ...X509Certificate[]];
  /** When the records were published, milliseconds since the epoch; null when that was not told. */
  readonly publishedMs: number | null;
  readonly nowMs: number;
};

const REF = 'RFC 7671 §8.1';

/** RFC 7671 §8.1: caches may hold the old set for a TTL, and a slow secondary server for another. */
const TTLS_TO_WAIT = 2;

function presentCheck({ present }: Rollover, verdict: DaneVerdict | null): Check {
  const base = { id: 'tlsa.present', ref: 'RFC 7672 §3.1' } as const;
  if ('reason' in present) {
    return {
      ...base,
      status: 'unknown',
      message: `What the server presents now is not known: ${present.reason}.`,
    };
  }
  if (verdict?.result === 'authenticated') {
    return { ...base, status: 'ok', message: 'The certificate in use matches what is published.' };
  }
  return {
    ...base,
    status: 'crit',
    message: `The certificate in use does not match what is published: ${verdict?.reason ?? 'there are no records'}.`,
    fix: 'Publish its record first of all: senders that follow DANE do not deliver now.',
  };
}

function nextCheck({ next, dane }: Rollover, verdict: DaneVerdict | null): Check {
  const base = { id: 'tlsa.next', ref: REF } as const;
  if (verdict?.result === 'authenticated') {
    return { ...base, status: 'ok', message: 'The new certificate matches what is published.' };
  }
  const kind = { certUsage: 3, selector: 1, match: 1 };
  const record: TlsaRecord = { ...kind, data: tlsaData(next[0], kind) };
  const name = dane.kind === 'not-secure' ? 'the TLSA name' : dane.name;
  return {
    ...base,
    status: 'warn',
    message: 'The new certificate is not published yet.',
    evidence: verdict?.reason ?? 'there are no records',
    fix: `Add beside the present record: ${name}. IN TLSA ${tlsaText(record)}`,
  };
}

function timeCheck({ dane, publishedMs, nowMs }: Rollover, nextPublished: boolean): Check[] {
  if (!nextPublished || dane.kind !== 'records' || dane.ttl === null) return [];
  const base = { id: 'tlsa.ttl', ref: REF } as const;
  const waitSeconds = dane.ttl * TTLS_TO_WAIT;
  if (publishedMs === null) {
    return [
      {
        ...base,
        status: 'ok',
        info: true,
        message: `Caches may hold what was there before: switch ${waitSeconds} seconds (twice the TTL) after you published the new record, not before.`,
        fix: '--published TIME judges that.',
      },
    ];
  }
  const leftSeconds = Math.ceil((publishedMs + waitSeconds * 1000 - nowMs) / 1000);
  if (leftSeconds <= 0)
    return [{ ...base, status: 'ok', message: 'Twice the TTL has passed since the record was published.' }];
  return [
    {
      ...base,
      status: 'warn',
      message: `Caches may still hold what was there before: wait ${leftSeconds} more seconds.`,
      evidence: `TTL ${dane.ttl} s, published ${new Date(publishedMs).toISOString()}`,
    },
  ];
}

function lookupCheck({ host, dane }: Rollover): Check | undefined {
  const base = { id: 'tlsa.lookup', ref: 'RFC 7672 §2.1.3' } as const;
  switch (dane.kind) {
    case 'records':
      return undefined;
    case 'none':
      return {
        ...base,
        status: 'warn',
        message: `There are no TLSA records at ${dane.name}: nothing can break, and nothing is protected.`,
      };
    case 'failed':
      return {
        ...base,
        status: dane.bogus ? 'crit' : 'unknown',
        message: `The look-up of ${dane.name} fails: ${dane.reason}.`,
        evidence: dane.evidence,
      };
    case 'not-secure': {
      const status =
        ({ bogus: 'crit', insecure: 'warn' } as const)[dane.dnssec as 'bogus' | 'insecure'] ?? 'unknown';
      return { ...base, status, message: `DANE does not apply to ${host}: ${dane.reason}.` };
    }
  }
}

const SUMMARIES: Readonly<Record<Status, string>> = {
  ok: 'It is safe to switch to the new certificate',
  warn: 'Do not switch to the new certificate yet',
  crit: 'DANE is broken now, before any change',
  unknown: 'Whether it is safe to switch could not be told',
};

/** Whether a server can be given another certificate now without senders that follow DANE staying away. */
export function judgeRollover(rollover: Rollover): Omit<MxTlsaCheckResult, 'target'> {
  const { dane, present, next, host, port, nowMs } = rollover;
  const judge = (chain: readonly Uint8Array[]) =>
    dane.kind === 'records' ? verifyDane(dane.records, { chain, names: [dane.base], nowMs }) : null;
  const now = 'chain' in present ? judge(present.chain) : null;
  const then = judge(next.map(({ raw }) => raw));
  const lookup = lookupCheck(rollover);
  const published = then?.result === 'authenticated';
  const checks = lookup
    ? [lookup]
    : [presentCheck(rollover, now), nextCheck(rollover, then), ...timeCheck(rollover, published)];
  const status = worst(checks.map((check) => check.status));
  const reason = checks.find((check) => check.status === status)?.message.replace(/\.$/, '') ?? '';
  const applies = dane.kind === 'records' || dane.kind === 'failed';
  return {
    status,
    summary: !applies
      ? (checks[0]?.message ?? '')
      : status === 'ok'
        ? `${SUMMARIES.ok}: both are published.`
        : `${SUMMARIES[status]}: ${reason}.`,
    checks,
    host,
    port,
    name: dane.kind === 'not-secure' ? null : dane.name,
    ttl: dane.kind === 'records' ? dane.ttl : null,
    records: dane.kind === 'records' ? dane.records.map(tlsaText) : [],
    present: now?.result ?? null,
    next: then?.result ?? null,
  };
}
