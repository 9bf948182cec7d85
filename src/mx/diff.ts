import { type Check, type Status, worst } from '../report.ts';
import type { MxChange, MxDiffResult } from '../schema/mx-diff.ts';
import type { MxAddressResult, MxProbeResult } from '../schema/mx-probe.ts';

/** A saved result of `mx probe`, with the time at which it was made. */
export type SavedProbe = MxProbeResult & { readonly time: string };

/** What is compared at one address, as text; null where there is nothing to tell. */
type Facts = Readonly<Record<string, string | null>>;

function factsOf({ starttls, tls, certificate, status, dane }: MxAddressResult): Facts {
  return {
    starttls: starttls === 'unknown' ? null : starttls === 'offered' && !tls ? 'fails' : starttls,
    'tls.version': tls?.version ?? null,
    'tls.postQuantum': tls ? String(tls.postQuantum) : null,
    'certificate.issuer': certificate?.issuer ?? null,
    'certificate.trusted': certificate ? String(certificate.trusted) : null,
    'certificate.coversHost': certificate ? String(certificate.coversHost) : null,
    'certificate.key': certificate?.spkiSha256 ?? null,
    'certificate.notAfter': certificate?.notAfter ?? null,
    // Results of older versions know nothing of DANE.
    dane: dane?.result ?? null,
    reached: String(starttls !== 'unknown' || status !== 'unknown'),
  };
}

/** Ranks of values that only get worse in one direction. */
const RANKS: Readonly<Record<string, readonly string[]>> = {
  starttls: ['offered', 'fails', 'not-offered'],
  'tls.version': ['TLSv1.3', 'TLSv1.2', 'TLSv1.1', 'TLSv1.0'],
  'certificate.trusted': ['true', 'false'],
  'certificate.coversHost': ['true', 'false'],
  'tls.postQuantum': ['true', 'false'],
  dane: ['authenticated', 'unusable', 'mismatch'],
  'mta-sts': ['enforce', 'testing', 'none'],
  reached: ['true', 'false'],
};

/**
 * How bad a change is. Encryption that was there and is gone is critical: an operator's mistake looks the same
 * as an attack that strips it. A server that cannot be reached any more leaves it unknown.
 */
function severity(what: string, before: string | null, after: string | null): Status {
  const ranks = RANKS[what];
  if (!ranks || before === null || after === null) return 'ok';
  if (ranks.indexOf(after) <= ranks.indexOf(before)) return 'ok';
  if (what === 'reached') return 'unknown';
  return what === 'starttls' || after === 'mismatch' ? 'crit' : 'warn';
}

/** A policy that is withdrawn, or weakened, while the servers may be as they were. */
function comparePolicies(before: SavedProbe, after: SavedProbe): MxChange[] {
  const modeOf = ({ mtaSts }: SavedProbe) => {
    if (!mtaSts || mtaSts.kind === 'unknown') return null;
    return mtaSts.kind === 'found' ? mtaSts.mode : 'none';
  };
  const [old, now] = [modeOf(before), modeOf(after)];
  if (old === null || now === null || old === now) return [];
  const what = 'mta-sts';
  return [{ where: after.domain, what, before: old, after: now, status: severity(what, old, now) }];
}

function compareFacts(where: string, before: Facts, after: Facts): MxChange[] {
  return Object.keys(after).flatMap((what) => {
    const [old, now] = [before[what] ?? null, after[what] ?? null];
    // Details that go with TLS are told by the loss of TLS itself.
    if (old === now || (what !== 'reached' && (old === null || now === null) && what !== 'starttls'))
      return [];
    if (what === 'starttls' && (old === null || now === null)) return [];
    return [{ where, what, before: old, after: now, status: severity(what, old, now) }];
  });
}

function addressesOf({ hosts }: MxProbeResult): Map<string, MxAddressResult> {
  return new Map(
    hosts.flatMap(({ host, addresses }) => addresses.map((address) => [`${host} [${address.ip}]`, address])),
  );
}

function cameOrWent(before: ReadonlyMap<string, unknown>, after: ReadonlyMap<string, unknown>): MxChange[] {
  const gone = [...before.keys()].filter((where) => !after.has(where));
  const come = [...after.keys()].filter((where) => !before.has(where));
  return [
    ...gone.map((where) => ({
      where,
      what: 'address',
      before: 'listed',
      after: null,
      status: 'ok' as const,
    })),
    ...come.map((where) => ({
      where,
      what: 'address',
      before: null,
      after: 'listed',
      status: 'ok' as const,
    })),
  ];
}

function checkOf({ where, what, before, after, status }: MxChange): Check {
  return {
    id: `diff.${what.toLowerCase().replaceAll('certificate.', 'cert.')}`,
    status,
    ...(status === 'ok' && { info: true as const }),
    message: `${where}: ${what} was ${before ?? 'not there'}, is ${after ?? 'not there'}.`,
    ...(status === 'crit' && {
      fix: 'Was TLS switched off over there, or does something on the way strip it? Probe from another network.',
    }),
  };
}

function summarize(domain: string, changes: readonly MxChange[], status: Status): string {
  if (changes.length === 0) return `Nothing changed at ${domain}.`;
  const lost = changes.filter((change) => change.status === 'crit');
  if (lost.length > 0)
    return `${domain} encrypts less than before: ${lost.map(({ where }) => where).join(', ')}.`;
  const worse = changes.filter((change) => change.status === 'warn').length;
  const count = `${changes.length} ${changes.length === 1 ? 'thing' : 'things'} changed at ${domain}`;
  if (status === 'unknown') return `${count}; not every server could be reached this time.`;
  return worse > 0 ? `${count}, ${worse} of them for the worse.` : `${count}, nothing for the worse.`;
}

/**
 * What changed between two results for one domain. A server that offered STARTTLS before and does not now is
 * critical.
 */
export function diffProbes(before: SavedProbe, after: SavedProbe): MxDiffResult {
  const [old, now] = [addressesOf(before), addressesOf(after)];
  const changes = [
    ...[...now].flatMap(([where, address]) => {
      const earlier = old.get(where);
      return earlier ? compareFacts(where, factsOf(earlier), factsOf(address)) : [];
    }),
    ...cameOrWent(old, now),
    ...comparePolicies(before, after),
  ];
  const status = worst(changes.map((change) => change.status));
  return {
    target: after.domain,
    status,
    summary: summarize(after.domain, changes, status),
    checks: changes.map(checkOf),
    before: before.time,
    after: after.time,
    changes,
  };
}

/** A result with what changed since an earlier one among its checks and in its state. */
export function compareWith(before: SavedProbe | undefined, result: MxProbeResult): MxProbeResult {
  if (!before) return result;
  const diff = diffProbes(before, { ...result, time: before.time });
  return {
    ...result,
    status: worst([result.status, diff.status]),
    summary: diff.changes.length === 0 ? result.summary : `${result.summary} ${diff.summary}`,
    checks: [...result.checks, ...diff.checks],
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isAddress(value: unknown): boolean {
  return isObject(value) && typeof value['ip'] === 'string' && typeof value['starttls'] === 'string';
}

function isHost(value: unknown): boolean {
  return (
    isObject(value) &&
    typeof value['host'] === 'string' &&
    Array.isArray(value['addresses']) &&
    value['addresses'].every(isAddress)
  );
}

/** A document of `mx probe` as far as a comparison needs it; undefined for what is none. */
export function asSavedProbe(document: unknown): SavedProbe | undefined {
  if (!isObject(document) || typeof document['domain'] !== 'string' || typeof document['time'] !== 'string') {
    return undefined;
  }
  const { hosts } = document;
  return Array.isArray(hosts) && hosts.every(isHost) ? (document as unknown as SavedProbe) : undefined;
}
