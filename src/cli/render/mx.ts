import type { MxAddressResult, MxHostResult, MxProbeResult } from '../../schema/mx-probe.ts';
import {
  asLine,
  crit,
  dim,
  fittedTable,
  type Inline,
  indented,
  type Line,
  line,
  mark,
  ok,
  strong,
  table,
  unknown,
  warn,
  wrap,
} from '../text.ts';
import { renderFindings } from './findings.ts';
import { mxFindings } from './mx-parts.ts';

/** STARTTLS at one address in a word or two. */
function offer({ starttls, tls, fault, checks }: MxAddressResult): Inline {
  if (checks[0]?.id === 'net.dns-only') return dim('not asked');
  if (tls) return ok('encrypted');
  if (starttls === 'offered') return crit('STARTTLS fails');
  if (starttls === 'not-offered') return warn('no STARTTLS');
  return unknown(fault?.kind === 'no-route' ? 'not tested' : 'not told');
}

function tlsWords({ tls }: MxAddressResult): string {
  if (!tls) return '';
  return [tls.version ?? 'TLS', tls.cipher, tls.group].filter(Boolean).join(' ');
}

function certificateWords({ certificate, tls, fault, dane }: MxAddressResult): Inline {
  if (dane?.result === 'authenticated') return 'authenticated by DANE';
  if (dane?.result === 'mismatch') return crit('DANE fails');
  if (!tls) return dim(fault?.message ?? '');
  if (!certificate) return 'no certificate';
  const { trusted, distrust, coversHost, notAfter } = certificate;
  if (trusted && coversHost) return `certificate valid until ${notAfter.slice(0, 10)}`;
  return `not authenticated: ${trusted ? 'the certificate is for another name' : distrust}`;
}

/** An address with its port, where several are asked. */
function placeOf({ ip, port }: MxAddressResult): string {
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}

function hostLines(host: MxHostResult, columns: number): Line[] {
  const several = new Set(host.addresses.map(({ port }) => port)).size > 1;
  const preference = host.preference === null ? '' : ` (preference ${host.preference})`;
  const rows = host.addresses.map((address) => [
    mark(address.status),
    several ? placeOf(address) : address.ip,
    offer(address),
    ...(Number.isFinite(columns) && columns < 110 ? [] : [tlsWords(address)]),
    certificateWords(address),
  ]);
  const narrow = Number.isFinite(columns) && columns < 110;
  const lines = table(rows, 4).flatMap((row, index) => {
    const address = host.addresses[index];
    const words = address && narrow ? tlsWords(address) : '';
    return [...wrap(row, columns, 8), ...(words === '' ? [] : [[...asLine('        '), dim(words)]])];
  });
  return [line`  ${strong(host.host)}${preference}`, ...lines];
}

const OUTCOMES = { encrypted: ok, plaintext: warn, deferred: crit, refused: crit, unknown } as const;

/** What each kind of sender would do, a line a sender; equal at all hosts, it is told once. */
function senderLines({ senders }: MxProbeResult, columns: number): Line[] {
  const rows = new Map<string, readonly Inline[]>();
  for (const { host, sender, outcome, reason } of senders) {
    const key = `${sender} ${outcome} ${reason}`;
    const known = rows.has(key);
    rows.set(key, [
      sender,
      OUTCOMES[outcome](outcome),
      dim(known ? reason : `${reason}${severalHosts(senders) ? ` (${host})` : ''}`),
    ]);
  }
  if (rows.size === 0) return [];
  return [line`  What would senders do?`, ...fittedTable([...rows.values()], columns, 4)];
}

function severalHosts(senders: MxProbeResult['senders']): boolean {
  return new Set(senders.map(({ host }) => host)).size > 1;
}

/** A probe for people: the verdict, a line an address, what is wrong and how to mend it. */
export function renderMxProbe(result: MxProbeResult, columns: number): Line[] {
  const findings = renderFindings(mxFindings(result), columns);
  const tested = result.hosts.some(({ addresses }) => addresses.some(({ tls }) => tls));
  const notes = result.checks
    .filter(({ info, id, status }) => info || (status === 'ok' && id === 'mta-sts.policy'))
    .map(({ message }) => dim(message));
  return [
    ...wrap(line`${mark(result.status)}  ${strong(result.summary)}`, columns, 4),
    ...result.hosts.flatMap((host) => hostLines(host, columns)),
    ...senderLines(result, columns),
    ...(result.probed ? [line`  ${dim(`probed by ${result.probed.worker} at ${result.probed.time}`)}`] : []),
    ...notes.flatMap((note) => wrap(indented([asLine(note)], 2).flat(), columns, 2)),
    ...(findings.length > 0 ? [[], ...findings] : []),
    ...(tested
      ? wrap(
          [
            dim(
              '  TLS protects the way between two servers (transport-only); end to end needs OpenPGP or S/MIME.',
            ),
          ],
          columns,
          2,
        )
      : []),
  ];
}
