import { SmtpConnection, type SpeakerWorld } from '../smtp/connection.ts';
import type { Ehlo } from '../smtp/extensions.ts';
import { type Fault, faultOf, type Phase } from '../smtp/fault.ts';
import type { Reply } from '../smtp/reply.ts';
import type { TlsFacts } from '../smtp/tls.ts';

/** What one address said, before anybody judges it. */
export type Conversation = {
  readonly ip: string;
  readonly port: number;
  readonly phase: Phase;
  readonly fault: Fault | null;
  readonly banner: Reply | null;
  readonly ehlo: Ehlo | null;
  readonly ehloInTls: Ehlo | null;
  readonly starttls: 'offered' | 'not-offered' | 'unknown';
  readonly tls: TlsFacts | null;
  readonly elapsedMs: number;
};

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The steps in their order; what was learnt before a fault stays in `seen`. */
async function talk(connection: SmtpConnection, seen: Mutable<Conversation>, ehlo: string): Promise<void> {
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
 *
 * @param host name of the exchanger, for SNI
 */
export async function converse(
  host: string,
  ip: string,
  port: number,
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
    starttls: 'unknown',
    tls: null,
    elapsedMs: 0,
  };
  let connection: SmtpConnection | undefined;
  try {
    connection = await SmtpConnection.open({ ...world, host, ip, port });
    await talk(connection, seen, world.ehlo ?? connection.localLiteral);
  } catch (error) {
    seen.fault = faultOf(error);
  }
  // How far it came is what the last step was, not the goodbye.
  seen.phase = connection?.phase ?? 'connect';
  seen.elapsedMs = world.now() - startedMs;
  await connection?.quit();
  return seen;
}
