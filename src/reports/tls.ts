import { AppError, ExitCode } from '../errors.ts';

/** Why sessions failed (RFC 8460 §4.3). */
export const TLS_RESULTS = [
  'starttls-not-supported',
  'certificate-host-mismatch',
  'certificate-expired',
  'certificate-not-trusted',
  'validation-failure',
  'tlsa-invalid',
  'dnssec-invalid',
  'dane-required',
  'sts-policy-fetch-error',
  'sts-policy-invalid',
  'sts-webpki-invalid',
] as const;

/** A result; what is not in the registry is `validation-failure`, the general one, with its own word as the reason. */
export type TlsResult = (typeof TLS_RESULTS)[number];

/** Sessions that failed in one way. */
export type TlsFailure = {
  readonly result: TlsResult;
  readonly count: number;
  readonly sendingIp: string | null;
  readonly receivingMx: string | null;
  readonly receivingIp: string | null;
  readonly reason: string | null;
};

/** What a sender saw under one policy. */
export type TlsPolicyReport = {
  readonly kind: 'tlsa' | 'sts' | 'no-policy-found';
  readonly domain: string;
  /** Whether failing means that mail was not delivered: DANE, and MTA-STS in mode enforce. */
  readonly enforced: boolean;
  readonly successes: number;
  readonly failures: number;
  readonly details: readonly TlsFailure[];
};

/** A TLS report (RFC 8460 §4.4). */
export type TlsReport = {
  readonly reporter: string;
  readonly id: string;
  readonly beginMs: number;
  readonly endMs: number;
  readonly policies: readonly TlsPolicyReport[];
};

const MAX_POLICIES = 1000;
const MAX_DETAILS = 10_000;
const MAX_TEXT = 500;

function broken(name: string, why: string): AppError {
  return new AppError(`'${name}' is no TLS report: ${why}.`, {
    code: 'E_REPORT',
    exit: ExitCode.input,
    hint: 'Senders send them to the address in the TXT record of _smtp._tls.',
  });
}

type Json = Readonly<Record<string, unknown>>;

function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function listOf(value: unknown, limit: number): Json[] {
  return Array.isArray(value) ? value.slice(0, limit).map(objectOf) : [];
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value.slice(0, MAX_TEXT) : null;
}

function countOf(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? Math.min(value, 1e12) : 0;
}

function failureOf(detail: Json): TlsFailure {
  const said = textOf(detail['result-type']) ?? '';
  const result = TLS_RESULTS.find((each) => each === said.toLowerCase());
  const reason = textOf(detail['failure-reason-code']) ?? textOf(detail['additional-information']);
  return {
    result: result ?? 'validation-failure',
    count: countOf(detail['failed-session-count']),
    sendingIp: textOf(detail['sending-mta-ip']),
    receivingMx: textOf(detail['receiving-mx-hostname'])?.toLowerCase() ?? null,
    receivingIp: textOf(detail['receiving-ip']),
    reason: result === undefined && said !== '' ? said : reason,
  };
}

const KINDS: Readonly<Record<string, TlsPolicyReport['kind']>> = { tlsa: 'tlsa', sts: 'sts' };

function policyOf(entry: Json): TlsPolicyReport {
  const policy = objectOf(entry['policy']);
  const summary = objectOf(entry['summary']);
  const kind = KINDS[textOf(policy['policy-type'])?.toLowerCase() ?? ''] ?? 'no-policy-found';
  const lines = Array.isArray(policy['policy-string']) ? policy['policy-string'] : [];
  return {
    kind,
    domain: (textOf(policy['policy-domain']) ?? '').toLowerCase(),
    enforced:
      kind === 'tlsa' || (kind === 'sts' && lines.some((text) => /^mode:\s*enforce\s*$/i.test(String(text)))),
    successes: countOf(summary['total-successful-session-count']),
    failures: countOf(summary['total-failure-session-count']),
    details: listOf(entry['failure-details'], MAX_DETAILS).map(failureOf),
  };
}

/**
 * Read a TLS report.
 *
 * @param name  for the error
 * @throws AppError E_REPORT (exit 65)
 */
export function parseTlsReport(name: string, json: string): TlsReport {
  let whole: Json;
  try {
    whole = objectOf(JSON.parse(json.replace(/^\uFEFF/, '')));
  } catch {
    throw broken(name, 'it is not JSON');
  }
  const range = objectOf(whole['date-range']);
  const [beginMs = Number.NaN, endMs = Number.NaN] = ['start-datetime', 'end-datetime'].map((at) =>
    Date.parse(textOf(range[at]) ?? ''),
  );
  if (!Array.isArray(whole['policies'])) throw broken(name, 'there is no list of policies');
  if (Number.isNaN(beginMs) || Number.isNaN(endMs)) throw broken(name, 'there is no date-range');
  return {
    reporter: textOf(whole['organization-name']) ?? textOf(whole['contact-info']) ?? '',
    id: textOf(whole['report-id']) ?? '',
    beginMs,
    endMs,
    policies: listOf(whole['policies'], MAX_POLICIES).map(policyOf),
  };
}
