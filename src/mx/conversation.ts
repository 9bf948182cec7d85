import { SmtpConnection, type SpeakerWorld } from '../smtp/connection.ts';
import type { Ehlo } from '../smtp/extensions.ts';
import { type Fault, faultOf, type Phase } from '../smtp/fault.ts';
import type { Reply } from '../smtp/reply.ts';
import type { KeyType, TlsFacts, TlsVersion } from '../smtp/tls.ts';

/** What one address said, before anybody judges it. */
export type Conversation = {
  readonly ip: string;
  readonly port: number;
  readonly phase: Phase;
  readonly fault: Fault | null;
  readonly banner: Reply | null;
  readonly ehlo: Ehlo | null;
  readonly ehloInTls: Ehlo | null;
  /** `implicit` on a port where TLS comes first. */
  readonly starttls: 'offered' | 'not-offered' | 'unknown' | 'implicit';
  readonly tls: TlsFacts | null;
  readonly elapsedMs: number;
};

/** What is done differently from the first conversation with a server. */
export type Variant =
  /** TLS of this version alone. */
  | { readonly kind: 'version'; readonly version: TlsVersion }
  /** Suites without a certificate are offered as well, as senders do that look at none (RFC 7672 §8.2). */
  | { readonly kind: 'anonymous' }
  /** Certificates with this type of key alone. */
  | { readonly kind: 'key'; readonly key: KeyType }
  /** The same question once more after `waitMs`: because nothing was learnt, or to see whether the answer stays. */
  | { readonly kind: 'retry' | 'repeat'; readonly round: number; readonly waitMs: number };

/** Of the same server, name for SNI and port. */
export type Place = {
  /** Name of the exchanger or, with DANE, the TLSA base domain: what SNI says. */
  readonly host: string;
  readonly ip: string;
  readonly port: number;
  /** TLS from the first byte on, as on port 465; else STARTTLS. */
  readonly implicitTls?: boolean;
};

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The steps in their order; what was learnt before a fault stays in `seen`. */
async function talk(
  connection: SmtpConnection,
  seen: Mutable<Conversation>,
  ehlo: string,
  implicitTls: boolean,
): Promise<void> {
  if (implicitTls) {
    seen.tls = await connection.implicitTls();
    seen.banner = await connection.banner();
    seen.ehloInTls = await connection.hello(ehlo);
    return;
  }
  seen.banner = await connection.banner();
  seen.ehlo = await connection.hello(ehlo);
  seen.starttls = connection.offersStartTls ? 'offered' : 'not-offered';
  if (!connection.offersStartTls) return;
  seen.tls = await connection.startTls();
  seen.ehloInTls = await connection.hello(ehlo);
}

/**
 * One connection to one address: banner, EHLO, STARTTLS, TLS, EHLO, QUIT. "Not offered" is concluded from a
 * whole EHLO reply only, never from a connection that did not get that far.
 */
export async function converse(
  { host, ip, port, implicitTls = false }: Place,
  world: SpeakerWorld,
): Promise<Conversation> {
  const startedMs = world.now();
  const seen: Mutable<Conversation> = {
    ip,
    port,
    phase: 'connect',
    fault: null,
    banner: null,
    ehlo: null,
    ehloInTls: null,
    starttls: implicitTls ? 'implicit' : 'unknown',
    tls: null,
    elapsedMs: 0,
  };
  let connection: SmtpConnection | undefined;
  try {
    connection = await SmtpConnection.open({ ...world, host, ip, port });
    await talk(connection, seen, world.ehlo ?? connection.localLiteral, implicitTls);
  } catch (error) {
    seen.fault = faultOf(error);
  }
  // How far it came is what the last step was, not the goodbye.
  seen.phase = connection?.phase ?? 'connect';
  seen.elapsedMs = world.now() - startedMs;
  await connection?.quit();
  return seen;
}
