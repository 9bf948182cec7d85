import type { MxAddressResult, MxHostResult, MxProbeResult } from '../../schema/mx-probe.ts';
import type { Figure, Located, Parts } from '../formats/types.ts';

const DAY_MS = 86_400_000;

/** Host and address; with the port where several were asked at one address. */
function placeOf({ host, addresses }: MxHostResult, { ip, port }: MxAddressResult): string {
  const place = host === ip ? ip : `${host} [${ip}]`;
  return addresses.filter((each) => each.ip === ip).length > 1 ? `${place}:${port}` : place;
}

/** What was found at the domain, then at each address. */
export function mxFindings({ checks, hosts }: MxProbeResult): Located[] {
  return [
    ...checks.map((check) => ({ where: '', check })),
    ...hosts.flatMap((host) =>
      host.addresses.flatMap((address) => {
        const where = placeOf(host, address);
        return address.checks.map((check) => ({ where, check }));
      }),
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
      hosts.flatMap((host) =>
        host.addresses.flatMap((address) => figuresOf(address, placeOf(host, address), asOfMs)),
      ),
  };
}
