import type { MxAddressResult, MxHostResult, MxProbeResult } from '../../schema/mx-probe.ts';
import {
  asLine,
  crit,
  dim,
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
import { type Located, renderFindings } from './findings.ts';

/** STARTTLS at one address in a word or two. */
function offer({ starttls, tls, fault }: MxAddressResult): Inline {
  if (tls) return ok('encrypted');
  if (starttls === 'offered') return crit('STARTTLS fails');
  if (starttls === 'not-offered') return warn('no STARTTLS');
  return unknown(fault?.kind === 'no-route' ? 'not tested' : 'not told');
}

function tlsWords({ tls }: MxAddressResult): string {
  if (!tls) return '';
  return [tls.version ?? 'TLS', tls.cipher, tls.group].filter(Boolean).join(' ');
}

function certificateWords({ certificate, tls, fault }: MxAddressResult): Inline {
  if (!tls) return dim(fault?.message ?? '');
  if (!certificate) return 'no certificate';
  const { trusted, distrust, coversHost, notAfter } = certificate;
  if (trusted && coversHost) return `certificate valid until ${notAfter.slice(0, 10)}`;
  return `not authenticated: ${trusted ? 'the certificate is for another name' : distrust}`;
}

function hostLines(host: MxHostResult, columns: number): Line[] {
  const preference = host.preference === null ? '' : ` (preference ${host.preference})`;
  const rows = host.addresses.map((address) => [
    mark(address.status),
    address.ip,
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

function located(result: MxProbeResult): Located[] {
  return [
    ...result.checks.map((check) => ({ where: '', check })),
    ...result.hosts.flatMap(({ host, addresses }) =>
      addresses.flatMap(({ ip, checks }) =>
        checks.map((check) => ({ where: host === ip ? ip : `${host} [${ip}]`, check })),
      ),
    ),
  ];
}

/** A probe for people: the verdict, a line an address, what is wrong and how to mend it. */
export function renderMxProbe(result: MxProbeResult, columns: number): Line[] {
  const findings = renderFindings(located(result), columns);
  const tested = result.hosts.some(({ addresses }) => addresses.some(({ tls }) => tls));
  const notes = result.checks.filter(({ info }) => info).map(({ message }) => dim(message));
  return [
    ...wrap(line`${mark(result.status)}  ${strong(result.summary)}`, columns, 4),
    ...result.hosts.flatMap((host) => hostLines(host, columns)),
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
