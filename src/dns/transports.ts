import { createHttps } from './https.ts';
import { createPlain } from './plain.ts';
import type { DnsServer } from './server.ts';
import { createTls } from './tls.ts';
import type { Transport, TransportOptions } from './transport.ts';

/** The way to a server. Nothing is opened before the first question. */
export function createTransport(server: DnsServer, options: TransportOptions): Transport {
  switch (server.kind) {
    case 'plain':
      return createPlain(server, options);
    case 'tls':
      return createTls(server, options);
    case 'https':
      return createHttps(server, options);
  }
}
