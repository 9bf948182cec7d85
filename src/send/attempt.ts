import type { SecureContext } from 'node:tls';
import type { Terms } from '../policy/terms.ts';
import { SmtpConnection, type SpeakerWorld as Speaker } from '../smtp/connection.ts';
import { type Fault, faultOf, type Phase, SmtpFault } from '../smtp/fault.ts';
import { type Reply, replyText } from '../smtp/reply.ts';
import type { TlsFacts } from '../smtp/tls.ts';
import { dotStuffed, type Prepared } from './message.ts';

/** What the outer world is to a delivery. */
export type SpeakerWorld = Speaker & {
  /** The client's side where no certificate is looked at: it may offer more; made when first needed. */
  readonly laxContext?: () => SecureContext;
};

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
  /** `stopped`: nothing went wrong, and no message was sent, as asked. */
  readonly status: 'delivered' | 'deferred' | 'refused' | 'unknown' | 'stopped';
  readonly reply: string | null;
  readonly reason: string | null;
};

/** How the attempt at one address ended. */
export type Attempt = {
  readonly tls: TlsFacts | null;
  readonly fallback: FallbackReason | null;
  readonly outcomes: readonly RecipientOutcome[];
  /** The server greeted with a line longer than the standard allows. */
  readonly longGreeting: boolean | null;
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

/** Where a rehearsal ends; before DATA in any case. */
export const STAGES = ['ehlo', 'starttls', 'rcpt'] as const;
export type Stage = (typeof STAGES)[number];

/** How a message is handed over. */
export type Manner = {
  readonly terms: Terms;
  /** Demand that the message is never passed on without TLS (RFC 8689). */
  readonly requireTls: boolean;
  /** Go no further than this. */
  readonly stopAfter: Stage | null;
  /** Whether injected plaintext is answered by a delivery in plaintext like any other failure. */
  readonly fallbackOnInjection: boolean;
};

/** A connection that is ready for MAIL. */
type Ready = { readonly connection: SmtpConnection; readonly tls: TlsFacts | null };

async function greet(connection: SmtpConnection, world: SpeakerWorld, { level }: Terms): Promise<void> {
  await connection.banner();
  const name = world.ehlo ?? connection.localLiteral;
  try {
    await connection.hello(name);
  } catch (error) {
    const { kind, reply } = faultOf(error);
    // A server without EHLO knows no STARTTLS: HELO would be a way around "encrypt".
    if (level !== 'opportunistic' || kind !== 'rejected' || !reply || reply.code < 500) throw error;
    await connection.helloOld(name);
  }
}

/** Connects and greets; closes again when that fails. */
async function connectTo(place: Place, world: SpeakerWorld, terms: Terms): Promise<SmtpConnection> {
  const unverified = terms.level === 'opportunistic' || terms.level === 'encrypt';
  const context = unverified ? (world.laxContext?.() ?? world.context) : world.context;
  const connection = await SmtpConnection.open({ ...world, ...place, context, host: terms.sni });
  try {
    await greet(connection, world, terms);
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
  { terms, requireTls }: Manner,
  connection: SmtpConnection,
  world: SpeakerWorld,
): Promise<Ready> {
  const tls = await connection.startTls();
  const reason = terms.whyNot(tls);
  if (reason !== undefined) {
    throw new SmtpFault({
      phase: 'tls',
      kind: 'unauthenticated',
      message: `${reason}, and the policy here is ${terms.level}`,
    });
  }
  const { extensions } = await connection.hello(world.ehlo ?? connection.localLiteral);
  // RFC 8689 §2: the keyword counts inside TLS only.
  if (requireTls && !extensions.has('REQUIRETLS')) {
    throw new SmtpFault({
      phase: 'ehlo-tls',
      kind: 'not-offered',
      message: 'the server does not offer REQUIRETLS (5.7.30)',
    });
  }
  return { connection, tls };
}

/** Whether what went wrong is answered by a new connection without TLS. */
function mayFallBack(fault: Fault, { terms, fallbackOnInjection }: Manner): boolean {
  if (terms.level !== 'opportunistic' || !isNegotiation(fault)) return false;
  return fault.kind !== 'injection' || fallbackOnInjection;
}

/**
 * A connection by the terms. Under `opportunistic` whatever goes wrong between STARTTLS and the first reply
 * inside TLS is answered by a new connection without it: never the same socket, on which a handshake may
 * have begun.
 */
async function prepare(
  place: Place,
  manner: Manner,
  world: SpeakerWorld,
): Promise<Ready & { fallback: FallbackReason | null }> {
  const { terms, stopAfter } = manner;
  const connection = await connectTo(place, world, terms);
  const plain = !connection.offersStartTls && terms.level === 'opportunistic';
  if (plain || stopAfter === 'ehlo') return { connection, tls: null, fallback: null };
  try {
    return { ...(await encrypted(manner, connection, world)), fallback: null };
  } catch (error) {
    const fault = faultOf(error);
    if (!mayFallBack(fault, manner)) {
      await connection.quit();
      throw error;
    }
    // No goodbye: the state of this connection is not known any more.
    connection.close();
    const plain = await reconnect(place, terms, world, fault);
    return { connection: plain, tls: null, fallback: { phase: fault.phase, fault } };
  }
}

/** The second connection; when it fails, what failed before it is told as well. */
async function reconnect(
  place: Place,
  terms: Terms,
  world: SpeakerWorld,
  before: Fault,
): Promise<SmtpConnection> {
  try {
    return await connectTo(place, world, terms);
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

function mailCommand(
  { from }: Envelope,
  message: Prepared,
  connection: SmtpConnection,
  requireTls: boolean,
): string {
  const extensions = connection.ehlo?.extensions;
  const size = extensions?.has('SIZE') ? ` SIZE=${message.bytes.length}` : '';
  const body = message.eightBit && extensions?.has('8BITMIME') ? ' BODY=8BITMIME' : '';
  return `MAIL FROM:<${from}>${size}${body}${requireTls ? ' REQUIRETLS' : ''}`;
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

/** What is said of who would have got it, had it been sent. */
function rehearsed(recipients: readonly string[], stage: Stage): RecipientOutcome[] {
  const reached = {
    ehlo: 'EHLO was answered',
    starttls: 'TLS came about',
    rcpt: 'the recipient was accepted',
  };
  return forAll(recipients, {
    status: 'stopped',
    reply: null,
    reason: `stopped as asked: ${reached[stage]}`,
  });
}

/** MAIL, RCPT, DATA. Faults are thrown but for the one after DATA, which leaves the outcome unknown. */
async function transact(
  connection: SmtpConnection,
  envelope: Envelope,
  message: Prepared,
  { requireTls, stopAfter }: Manner,
): Promise<RecipientOutcome[]> {
  if (stopAfter === 'ehlo' || stopAfter === 'starttls') return rehearsed(envelope.recipients, stopAfter);
  const obstacle = unacceptable(message, connection);
  if (obstacle) return forAll(envelope.recipients, { status: 'refused', reply: null, reason: obstacle });
  const mail = await connection.command(mailCommand(envelope, message, connection, requireTls), 'mail');
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
  if (stopAfter === 'rcpt') return [...rejected, ...rehearsed(accepted, stopAfter)];
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
  if (kind === 'not-offered') return 'exchanger';
  return kind === 'rejected' && reply && isPermanent(reply) ? 'exchanger' : 'address';
}

/**
 * Try to deliver a message at one address, with one fallback to plaintext if the terms allow it.
 *
 * Never throws for what the server does; throws the signal's reason when aborted.
 */
export async function attemptDelivery(
  place: Place,
  envelope: Envelope,
  message: Prepared,
  manner: Manner,
  world: SpeakerWorld,
): Promise<Attempt> {
  let ready: (Ready & { fallback: FallbackReason | null }) | undefined;
  try {
    ready = await prepare(place, manner, world);
    const outcomes = await transact(ready.connection, envelope, message, manner);
    const deferred = outcomes.some(({ status }) => status === 'deferred');
    const { tls, fallback } = ready;
    const longGreeting = ready.connection.greeting?.oddities.includes('long-line') ?? null;
    return { tls, fallback, outcomes, longGreeting, next: deferred ? 'exchanger' : 'stop' };
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
      longGreeting: null,
      next: nextAfter(fault),
    };
  } finally {
    await ready?.connection.quit();
  }
}
