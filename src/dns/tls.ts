import { isIP } from 'node:net';
import { type DnsServer, serverLabel } from './server.ts';
import { createStream } from './stream.ts';
import type { Transport, TransportOptions } from './transport.ts';

/**
 * DNS over TLS. With the certificate verified, nobody between us and the server can have written the AD bit
 * (RFC 8310 §5, the strict profile); without it there is no answer at all.
 */
export function createTls(server: DnsServer & { kind: 'tls' }, options: TransportOptions): Transport {
  const label = serverLabel(server);
  const stream = createStream({
    open: () => open(server, options.ca),
    label,
    pad: true,
    random: options.random,
  });
  return {
    label,
    async ask(question, signal) {
      const outcome = await stream.ask(question, signal);
      return outcome.kind === 'reply' ? { ...outcome, believed: true } : outcome;
    },
    close: () => stream.close(),
  };
}

async function open(server: DnsServer & { kind: 'tls' }, ca: readonly string[]) {
  const tls = await import('node:tls');
  const name = server.name ?? server.host;
  const socket = tls.connect({
    host: server.host,
    port: server.port,
    // RFC 6066 §3: SNI holds no literal address; those are compared with the certificate all the same.
    ...(isIP(name) === 0 ? { servername: name } : {}),
    checkServerIdentity: (_host, certificate) => tls.checkServerIdentity(name, certificate),
    ...(ca.length > 0 ? { ca: [...tls.getCACertificates('default'), ...ca] } : {}),
    ALPNProtocols: ['dot'],
    rejectUnauthorized: true,
  });
  return { socket, ready: 'secureConnect' as const };
}
