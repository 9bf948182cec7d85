import type { MxAddressResult, MxProbeResult } from '../../schema/mx-probe.ts';
import type { Figure, Located, Parts } from '../formats/types.ts';

const DAY_MS = 86_400_000;

function placeOf(host: string, ip: string): string {
  return host === ip ? ip : `${host} [${ip}]`;
}

/** What was found at the domain, then at each address. */
export function mxFindings({ checks, hosts }: MxProbeResult): Located[] {
  return [
    ...checks.map((check) => ({ where: '', check })),
    ...hosts.flatMap(({ host, addresses }) =>
      addresses.flatMap(({ ip, checks: own }) => own.map((check) => ({ where: placeOf(host, ip), check }))),
    ),
  ];
}

function figuresOf({ certificate, elapsedMs, phase, tls }: MxAddressResult, where: string, asOfMs: number) {
  const figures: Figure[] = [
    {
      name: 'encrypted',
      help: 'Whether TLS was negotiated (1) or not (0).',
      unit: 'count',
      value: tls ? 1 : 0,
      where,
    },
  ];
  if (phase !== 'connect') {
    const help = 'How long the conversation with the server took.';
    figures.push({ name: 'elapsed', help, unit: 'seconds', value: elapsedMs / 1000, where });
  }
  if (certificate) {
    const value = Math.floor((Date.parse(certificate.notAfter) - asOfMs) / DAY_MS);
    const help = 'How long the certificate is still valid; negative when it has expired.';
    figures.push({ name: 'certificate_expiry', help, unit: 'days', value, where });
  }
  return figures;
}

/**
 * A probe for formats of findings and figures.
 *
 * @param asOfMs  when expiry is judged, in milliseconds since the epoch
 */
export function mxParts(asOfMs: number): Parts<MxProbeResult> {
  return {
    findings: mxFindings,
    figures: ({ hosts }) =>
      hosts.flatMap(({ host, addresses }) =>
        addresses.flatMap((address) => figuresOf(address, placeOf(host, address.ip), asOfMs)),
      ),
  };
}
