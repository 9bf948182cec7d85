/** The package has no types of its own. */
declare module 'tls-check' {
  /** Rejects with the error of the connection, the handshake or the certificate. */
  export default function tlsCheck(options: {
    readonly hostname: string;
    readonly port: number;
    readonly version: string;
  }): Promise<import('node:tls').CipherNameAndProtocol>;
}
