/** A DNS server and the way to it. Where `host` is a name, the system's resolver (`dns.lookup`) finds it. */
export type DnsServer =
  /** UDP, and TCP where needed. */
  | { readonly kind: 'plain'; readonly host: string; readonly port: number }
  /** DNS over TLS (RFC 7858); the certificate is verified for `name`, or for `host` when null. */
  | { readonly kind: 'tls'; readonly host: string; readonly port: number; readonly name: string | null }
  /** DNS over HTTPS (RFC 8484); the certificate is verified. */
  | { readonly kind: 'https'; readonly url: string };

/** How a server is named in answers: `192.0.2.1:53`, `[2001:db8::1]:53`, `tls://dns.example:853`, a URL. */
export function serverLabel(server: DnsServer): string {
  switch (server.kind) {
    case 'plain':
      return hostPort(server.host, server.port);
    case 'tls':
      return `tls://${hostPort(server.host, server.port)}`;
    case 'https':
      return server.url;
  }
}

function hostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
