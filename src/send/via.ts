import { Readable } from 'node:stream';
import { checkServerIdentity, TLSSocket } from 'node:tls';
import type { SMTPConnectionOptions } from 'nodemailer/lib/smtp-connection';
import type { Resolver } from '../dns/types.ts';
import { AppError, ExitCode } from '../errors.ts';
import { findHost, literalHost } from '../mx/hosts.ts';
import { addressClass, canonicalAddress } from '../net/address.ts';
import type { Level } from '../policy/terms.ts';
import type { Delivery } from '../schema/send.ts';
import type { SpeakerWorld } from '../smtp/connection.ts';
import { printable } from '../smtp/reply.ts';
import { tlsFacts } from '../smtp/tls.ts';
import type { Envelope } from './attempt.ts';
import type { Prepared } from './message.ts';
import { queueIdOf } from './queue-id.ts';

/** The server that takes our mail and passes it on. */
export type Smarthost = {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte on, as on port 465. */
  readonly implicitTls: boolean;
  readonly credentials: { readonly user: string; readonly password: string } | null;
  /** With credentials always `verify`: they are never shown to a server that is not who it should be. */
  readonly level: Extract<Level, 'opportunistic' | 'encrypt' | 'verify'>;
};

export type ViaOptions = SpeakerWorld & {
  readonly dns: Resolver;
  readonly allowPrivate: boolean;
  readonly offline: boolean;
  readonly requireTls: boolean;
};

const SUBMISSION_PORT = 587;
const SUBMISSIONS_PORT = 465;

/**
 * Read `HOST[:PORT]`; without a port that of submission, 587 (RFC 6409).
 *
 * @throws AppError E_VIA (exit 64) for what is none
 */
export function parseSmarthost(text: string): Pick<Smarthost, 'host' | 'port' | 'implicitTls'> {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\]\s/@]+))(?::(\d{1,5}))?$/i.exec(text.trim());
  const host = (match?.[1] ?? match?.[2])?.toLowerCase();
  const port = Number(match?.[3] ?? SUBMISSION_PORT);
  if (!host || port < 1 || port > 65_535) {
    throw new AppError(`--via: '${text}' is no server.`, {
      code: 'E_VIA',
      exit: ExitCode.usage,
      hint: 'Write it as smtp.example.org, smtp.example.org:465 or [2001:db8::1]:587.',
    });
  }
  return { host, port, implicitTls: port === SUBMISSIONS_PORT };
}

/** What an attempt through the smarthost came to. */
type Handed = Omit<Delivery, 'recipient' | 'mx' | 'address' | 'level' | 'levelReason' | 'longGreeting'> & {
  readonly recipient: string;
};

/** nodemailer's errors carry where they arose and what the server said. */
type ViaError = Error & {
  readonly responseCode?: number | undefined;
  readonly response?: string | undefined;
  readonly code?: string | undefined;
};

/** How far a conversation came, as nodemailer tells its log. */
type Progress = { startTlsSent: boolean; sentWhole: boolean };

/** Nothing is logged; what the client says is only looked at for STARTTLS. */
function observer(progress: Progress): SMTPConnectionOptions['logger'] {
  const ignore = () => undefined;
  const debug = (entry: { readonly tnx?: string }, text: unknown) => {
    if (entry.tnx === 'client' && text === 'STARTTLS') progress.startTlsSent = true;
  };
  return { level: ignore, trace: ignore, debug, info: ignore, warn: ignore, error: ignore, fatal: ignore };
}

/** Fails between STARTTLS and the first command inside TLS, and so has to do with nothing else. */
class NegotiationError extends Error {}

function optionsFor(
  { host, implicitTls, level }: Smarthost,
  { context, timeouts, ehlo }: ViaOptions,
  plain: boolean,
): SMTPConnectionOptions {
  return {
    secure: implicitTls,
    requireTLS: !implicitTls && level !== 'opportunistic',
    ignoreTLS: plain,
    ...(ehlo !== null && { name: ehlo }),
    connectionTimeout: timeouts.connectMs,
    greetingTimeout: timeouts.bannerMs,
    socketTimeout: timeouts.commandMs,
    maxResponseSize: 64 * 1024,
    tls: {
      secureContext: context,
      ...(canonicalAddress(host) === null && { servername: host }),
      rejectUnauthorized: level === 'verify',
      checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate),
    },
  };
}

/** One connection: greet, TLS, AUTH, the message. */
async function converse(
  smarthost: Smarthost,
  ip: string,
  envelope: Envelope,
  message: Prepared,
  options: ViaOptions,
  plain: boolean,
): Promise<Handed[]> {
  const { default: SMTPConnection } = await import('nodemailer/lib/smtp-connection');
  const patience = AbortSignal.timeout(options.timeouts.totalMs);
  const signal = options.signal ? AbortSignal.any([options.signal, patience]) : patience;
  const socket = await options.dial({ ip, port: smarthost.port }, signal);
  const progress: Progress = { startTlsSent: false, sentWhole: false };
  // Looked at while the connection stands; null before it is ready for the message.
  let way: Way | null = null;
  const connection = new SMTPConnection({
    ...optionsFor(smarthost, options, plain),
    logger: observer(progress),
    transactionLog: true,
    host: smarthost.host,
    port: smarthost.port,
    connection: socket,
  });
  try {
    return await new Promise<Handed[]>((resolve, reject) => {
      const stop = () => reject(options.signal?.reason ?? late());
      signal.addEventListener('abort', stop, { once: true });
      connection.once('error', reject);
      connection.once('end', () => reject(lost()));
      const body = Readable.from([message.bytes]).once('end', () => {
        progress.sentWhole = true;
      });
      const send = () => {
        const { requireTls } = options;
        const terms = {
          from: envelope.from === '' ? (false as const) : envelope.from,
          to: [...envelope.recipients],
        };
        const extras = {
          size: message.bytes.length,
          use8BitMime: message.eightBit,
          requireTLSExtensionEnabled: requireTls,
        };
        connection.send({ ...terms, ...extras }, body, (error, info) => {
          if (error && !(info?.rejected?.length > 0)) reject(error);
          else resolve(handed(envelope, info, way ?? NOWHERE));
        });
      };
      connection.connect((error) => {
        if (error) return reject(error);
        way = wayOf(connection._socket, options);
        if (!smarthost.credentials) return send();
        const { user, password } = smarthost.credentials;
        // The level is verify then, but what matters this much is looked at where it happens.
        if (!connection.secure)
          return reject(new Error('there is no TLS, and credentials are never sent without'));
        return connection.login({ credentials: { user, pass: password } }, (failed) =>
          failed ? reject(failed) : send(),
        );
      });
    });
  } catch (error) {
    options.signal?.throwIfAborted();
    if (progress.startTlsSent && way === null)
      throw new NegotiationError((error as Error).message, { cause: error });
    if (progress.sentWhole && (error as ViaError).responseCode === undefined)
      return unknownFate(envelope, way ?? NOWHERE);
    throw error;
  } finally {
    connection.removeAllListeners('error').on('error', () => undefined);
    connection.quit();
    setTimeout(() => connection.close(), 2000).unref();
  }
}

function late(): Error {
  return new Error('the server did not answer in time');
}

function lost(): Error {
  return new Error('the server closed the connection');
}

/** Which way a message went. */
type Way = Pick<Handed, 'encrypted' | 'tls'>;

const NOWHERE: Way = { encrypted: false, tls: null };

function wayOf(socket: unknown, { asOfMs, now }: ViaOptions): Way {
  if (!(socket instanceof TLSSocket)) return NOWHERE;
  const { version, cipher, group, postQuantum } = tlsFacts(socket, asOfMs ?? now());
  return { encrypted: true, tls: { version, cipher, group, postQuantum } };
}

function clean(text: string): string {
  return printable(Buffer.from(text.slice(0, 500)), 500);
}

type Info = {
  readonly rejected?: readonly string[] | undefined;
  readonly rejectedErrors?: readonly ViaError[] | undefined;
  readonly response?: string | undefined;
};

function handed(envelope: Envelope, info: Info | undefined, way: Way): Handed[] {
  const refused = new Map((info?.rejected ?? []).map((to, index) => [to, info?.rejectedErrors?.[index]]));
  return envelope.recipients.map((recipient) => {
    const error = refused.get(recipient);
    if (error || refused.has(recipient))
      return failed(recipient, error ?? new Error('the recipient was not accepted'), way);
    const reply = clean(info?.response ?? '');
    return {
      recipient,
      ...way,
      status: 'delivered',
      fallback: null,
      reply,
      queueId: queueIdOf(reply),
      reason: null,
    };
  });
}

function failed(recipient: string, error: ViaError, way: Way): Handed {
  const reply = error.response === undefined ? null : clean(error.response);
  const permanent = (error.responseCode ?? 0) >= 500;
  const reason = reply ?? clean(error.message);
  return {
    recipient,
    ...way,
    status: permanent ? 'refused' : 'deferred',
    fallback: null,
    reply,
    queueId: null,
    reason,
  };
}

/** The server may have taken it: sending again could deliver it twice. */
function unknownFate({ recipients }: Envelope, way: Way): Handed[] {
  const reason =
    'the message was sent whole, but the connection was lost before the server confirmed it; it is not sent again';
  const rest = {
    ...way,
    status: 'unknown',
    fallback: null,
    reply: null,
    queueId: null,
    reason,
  } as const;
  return recipients.map((recipient) => ({ recipient, ...rest }));
}

/** With one fallback to plaintext, as for exchangers: by a new connection, said, and never with credentials. */
async function handOver(
  smarthost: Smarthost,
  ip: string,
  envelope: Envelope,
  message: Prepared,
  options: ViaOptions,
): Promise<Handed[]> {
  try {
    return await converse(smarthost, ip, envelope, message, options, false);
  } catch (error) {
    options.signal?.throwIfAborted();
    const mayFall = smarthost.level === 'opportunistic' && !smarthost.implicitTls && !options.requireTls;
    if (!mayFall || !(error instanceof NegotiationError)) throw error;
    const again = await converse(smarthost, ip, envelope, message, options, true);
    const fallback = {
      from: 'starttls',
      phase: 'tls',
      kind: 'handshake',
      reason: clean((error as Error).message),
    } as const;
    return again.map((one) => ({ ...one, fallback }));
  }
}

async function addressesOf({ host }: Smarthost, { dns, allowPrivate, offline }: ViaOptions) {
  const found =
    canonicalAddress(host) === null
      ? await findHost({ host, preference: null, mxDnssec: 'insecure' }, 587, dns)
      : literalHost(host);
  const open = found.ips.filter((ip) => {
    const kind = addressClass(ip);
    return (kind === 'public' || allowPrivate) && (kind === 'loopback' || !offline);
  });
  const reason =
    found.ips.length > 0
      ? 'is not at a public address; --allow-private connects to it'
      : 'has no address that the DNS tells';
  return { open, reason: `${host} ${reason}` };
}

/**
 * Hand a message to a smarthost, with nodemailer's connection: what happens after STARTTLS is not looked at as closely
 * there as in a delivery of our own, but AUTH is its home.
 *
 * @returns a row a recipient; what could not be handed over is `deferred` or `refused`, never thrown
 * @throws the signal's reason when aborted
 */
export async function submitVia(
  smarthost: Smarthost,
  envelope: Envelope,
  message: Prepared,
  options: ViaOptions,
): Promise<Delivery[]> {
  const { open, reason } = await addressesOf(smarthost, options);
  const terms = {
    level: smarthost.level,
    levelReason: smarthost.credentials ? 'credentials are sent' : '--policy',
  } as const;
  let rows = envelope.recipients.map((to) => failed(to, new Error(reason), NOWHERE));
  let address: string | null = null;
  for (const ip of open) {
    address = ip;
    try {
      rows = await handOver(smarthost, ip, envelope, message, options);
      break;
    } catch (error) {
      options.signal?.throwIfAborted();
      rows = envelope.recipients.map((to) => failed(to, error as ViaError, NOWHERE));
      // What the server itself said does not change with its address.
      if ((error as ViaError).responseCode !== undefined) break;
    }
  }
  // The package does not say how it was greeted.
  const rest = { mx: address === null ? null : smarthost.host, address, longGreeting: null, ...terms };
  return rows.map((row) => ({ ...row, ...rest }));
}
