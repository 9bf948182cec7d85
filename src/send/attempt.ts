import { whyUnauthenticated } from '../smtp/certificate.ts';
import { SmtpConnection, type SpeakerWorld } from '../smtp/connection.ts';
import { type Fault, faultOf, type Phase, SmtpFault } from '../smtp/fault.ts';
import { type Reply, replyText } from '../smtp/reply.ts';
import type { TlsFacts } from '../smtp/tls.ts';
import { dotStuffed, type Prepared } from './message.ts';

/**
 * How strict to be about encryption, by Postfix's names for what a sender does:
 *
 * - `opportunistic` ("may") encrypts when it can and delivers in any case
 * - `encrypt` defers rather than send plaintext; the certificate is not looked at
 * - `verify` wants a valid certificate for the exchanger's name, `secure` one for the recipient's domain or a
 *   host below it, which a forged MX record cannot have
 */
export const POLICIES = ['opportunistic', 'encrypt', 'verify', 'secure'] as const;
export type Policy = (typeof POLICIES)[number];

export type Envelope = {
  /** Empty for the null sender of bounces. */
  readonly from: string;
  readonly recipients: readonly string[];
};

/** Why a delivery that was begun with STARTTLS went on without. */
export type FallbackReason = { readonly phase: Phase; readonly fault: Fault };

/** What one recipient was told. */
export type RecipientOutcome = {
  readonly recipient: string;
  readonly status: 'delivered' | 'deferred' | 'refused' | 'unknown';
  readonly reply: string | null;
  readonly reason: string | null;
};

/** How the attempt at one address ended. */
export type Attempt = {
  readonly tls: TlsFacts | null;
  readonly fallback: FallbackReason | null;
  readonly outcomes: readonly RecipientOutcome[];
  /** Where to go on with who was deferred: another address, another exchanger, or nowhere. */
  readonly next: 'address' | 'exchanger' | 'stop';
};

/** Where a delivery is tried. */
export type Place = {
  readonly host: string;
  readonly ip: string;
  readonly port: number;
  /** Domain of the recipients. */
  readonly nextHop: string;
};

/** A connection that is ready for MAIL. */
type Ready = { readonly connection: SmtpConnection; readonly tls: TlsFacts | null };

async function greet(connection: SmtpConnection, world: SpeakerWorld, policy: Policy): Promise<void> {
  await connection.banner();
  const name = world.ehlo ?? connection.localLiteral;
  try {
    await connection.hello(name);
  } catch (error) {
    const { kind, reply } = faultOf(error);
    // A server without EHLO knows no STARTTLS: HELO would be a way around "encrypt".
    if (policy !== 'opportunistic' || kind !== 'rejected' || !reply || reply.code < 500) throw error;
    await connection.helloOld(name);
  }
}

/** Connects and greets; closes again when that fails. */
async function connectTo(place: Place, world: SpeakerWorld, policy: Policy): Promise<SmtpConnection> {
  const connection = await SmtpConnection.open({ ...world, ...place });
  try {
    await greet(connection, world, policy);
    return connection;
  } catch (error) {
    await connection.quit();
    throw error;
  }
}

/** Whether a fault belongs to the negotiation of TLS, and not to what the server wants after it. */
function isNegotiation({ phase, kind }: Fault): boolean {
  return phase === 'starttls' || phase === 'tls' || (phase === 'ehlo-tls' && kind !== 'rejected');
}

async function encrypted(
  place: Place,
  policy: Policy,
  connection: SmtpConnection,
  world: SpeakerWorld,
): Promise<Ready> {
  const tls = await connection.startTls();
  const looks = policy === 'verify' || policy === 'secure';
  const reason = looks ? whyUnauthenticated(tls.certificate, policy, place) : undefined;
  if (reason !== undefined) {
    throw new SmtpFault({
      phase: 'tls',
      kind: 'unauthenticated',
      message: `${reason}, and the policy is ${policy}`,
    });
  }
  await connection.hello(world.ehlo ?? connection.localLiteral);
  return { connection, tls };
}

/**
 * A connection by the policy. Under `opportunistic` whatever goes wrong between STARTTLS and the first reply
 * inside TLS is answered by a new connection without it: never the same socket, on which a handshake may
 * have begun.
 */
async function prepare(
  place: Place,
  policy: Policy,
  world: SpeakerWorld,
): Promise<Ready & { fallback: FallbackReason | null }> {
  const connection = await connectTo(place, world, policy);
  if (!connection.offersStartTls && policy === 'opportunistic')
    return { connection, tls: null, fallback: null };
  try {
    return { ...(await encrypted(place, policy, connection, world)), fallback: null };
  } catch (error) {
    const fault = faultOf(error);
    if (policy !== 'opportunistic' || !isNegotiation(fault)) {
      await connection.quit();
      throw error;
    }
    // No goodbye: the state of this connection is not known any more.
    connection.close();
    const plain = await reconnect(place, policy, world, fault);
    return { connection: plain, tls: null, fallback: { phase: fault.phase, fault } };
  }
}

/** The second connection; when it fails, what failed before it is told as well. */
async function reconnect(
  place: Place,
  policy: Policy,
  world: SpeakerWorld,
  before: Fault,
): Promise<SmtpConnection> {
  try {
    return await connectTo(place, world, policy);
  } catch (error) {
    const fault = faultOf(error);
    throw new SmtpFault({
      ...fault,
      message: `${fault.message}, after TLS had failed because ${before.message}`,
    });
  }
}

/** 530 asks for STARTTLS (RFC 3207 §4.3): if that failed a moment ago it may work later. */
function isPermanent({ code }: Reply): boolean {
  return code >= 500 && code !== 530;
}

function outcome(recipient: string, reply: Reply, words: string): RecipientOutcome {
  return {
    recipient,
    status: isPermanent(reply) ? 'refused' : 'deferred',
    reply: replyText(reply),
    reason: `${words}: ${replyText(reply)}`,
  };
}

function forAll(recipients: readonly string[], one: Omit<RecipientOutcome, 'recipient'>): RecipientOutcome[] {
  return recipients.map((recipient) => ({ recipient, ...one }));
}

function mailCommand({ from }: Envelope, message: Prepared, connection: SmtpConnection): string {
  const extensions = connection.ehlo?.extensions;
  const size = extensions?.has('SIZE') ? ` SIZE=${message.bytes.length}` : '';
  const body = message.eightBit && extensions?.has('8BITMIME') ? ' BODY=8BITMIME' : '';
  return `MAIL FROM:<${from}>${size}${body}`;
}

/** What keeps this message from this server, whatever it says. */
function unacceptable(message: Prepared, connection: SmtpConnection): string | undefined {
  const extensions = connection.ehlo?.extensions;
  const limit = Number(extensions?.get('SIZE') || 0);
  if (limit > 0 && message.bytes.length > limit) {
    return `the message has ${message.bytes.length} bytes, the server takes ${limit}`;
  }
  if (message.eightBit && !extensions?.has('8BITMIME')) {
    return 'the message holds 8-bit text and the server does not offer 8BITMIME';
  }
  return undefined;
}

/** MAIL, RCPT, DATA. Faults are thrown but for the one after DATA, which leaves the outcome unknown. */
async function transact(
  connection: SmtpConnection,
  envelope: Envelope,
  message: Prepared,
): Promise<RecipientOutcome[]> {
  const obstacle = unacceptable(message, connection);
  if (obstacle) return forAll(envelope.recipients, { status: 'refused', reply: null, reason: obstacle });
  const mail = await connection.command(mailCommand(envelope, message, connection), 'mail');
  if (mail.code >= 300)
    return envelope.recipients.map((to) => outcome(to, mail, 'the sender was not accepted'));
  const rejected: RecipientOutcome[] = [];
  const accepted: string[] = [];
  for (const recipient of envelope.recipients) {
    const reply = await connection.command(`RCPT TO:<${recipient}>`, 'rcpt');
    if (reply.code < 300) accepted.push(recipient);
    else rejected.push(outcome(recipient, reply, 'the recipient was not accepted'));
  }
  if (accepted.length === 0) return rejected;
  const go = await connection.command('DATA', 'data');
  if (go.code !== 354)
    return [...rejected, ...accepted.map((to) => outcome(to, go, 'DATA was not accepted'))];
  return [...rejected, ...(await finish(connection, accepted, message))];
}

async function finish(
  connection: SmtpConnection,
  accepted: readonly string[],
  message: Prepared,
): Promise<RecipientOutcome[]> {
  try {
    const reply = await connection.payload(dotStuffed(message.bytes));
    if (reply.code >= 300) return accepted.map((to) => outcome(to, reply, 'the message was not accepted'));
    return forAll(accepted, { status: 'delivered', reply: replyText(reply), reason: null });
  } catch (error) {
    // The server may have taken it: sending again could deliver it twice.
    const { message: words } = faultOf(error);
    return forAll(accepted, {
      status: 'unknown',
      reply: null,
      reason: `the message was sent whole, but ${words} before the server confirmed it; it is not sent again`,
    });
  }
}

/** Where to go on after a server could not be used. */
function nextAfter({ kind, reply }: Fault): Attempt['next'] {
  return kind === 'rejected' && reply && isPermanent(reply) ? 'exchanger' : 'address';
}

/**
 * Try to deliver a message at one address, with one fallback to plaintext if the policy allows it.
 *
 * Never throws for what the server does; throws the signal's reason when aborted.
 */
export async function attemptDelivery(
  place: Place,
  envelope: Envelope,
  message: Prepared,
  policy: Policy,
  world: SpeakerWorld,
): Promise<Attempt> {
  let ready: (Ready & { fallback: FallbackReason | null }) | undefined;
  try {
    ready = await prepare(place, policy, world);
    const outcomes = await transact(ready.connection, envelope, message);
    const deferred = outcomes.some(({ status }) => status === 'deferred');
    return { tls: ready.tls, fallback: ready.fallback, outcomes, next: deferred ? 'exchanger' : 'stop' };
  } catch (error) {
    const fault = faultOf(error);
    const reason = `${fault.message} (${fault.phase})`;
    return {
      tls: ready?.tls ?? null,
      fallback: ready?.fallback ?? null,
      outcomes: forAll(envelope.recipients, {
        status: 'deferred',
        reply: fault.reply ? replyText(fault.reply) : null,
        reason,
      }),
      next: nextAfter(fault),
    };
  } finally {
    await ready?.connection.quit();
  }
}
