/** The part of the package that the tests use; it brings no types. */
declare module 'smtp-connection' {
  import type { EventEmitter } from 'node:events';
  import type { ConnectionOptions } from 'node:tls';

  export default class SMTPConnection extends EventEmitter {
    /** Whether TLS is on. */
    readonly secure: boolean;
    constructor(options: {
      readonly host: string;
      readonly port: number;
      readonly name: string;
      readonly requireTLS?: boolean;
      readonly ignoreTLS?: boolean;
      readonly tls?: ConnectionOptions;
      readonly connectionTimeout?: number;
      readonly greetingTimeout?: number;
      readonly socketTimeout?: number;
    });
    connect(connected: () => void): void;
    send(
      envelope: { readonly from: string; readonly to: string },
      message: string,
      sent: (error: Error | null, info?: { readonly response: string }) => void,
    ): void;
    quit(): void;
    close(): void;
  }
}
