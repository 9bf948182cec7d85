import { isIPv6, type Socket } from 'node:net';
import type { SecureContext, TLSSocket } from 'node:tls';
import type { Dialer } from '../net/dial.ts';
import { type Ehlo, offersStartTls, readEhlo } from './extensions.ts';
import { type Fault, type FaultKind, type Phase, SmtpFault } from './fault.ts';
import { printable, type Reply, ReplyReader, replyText } from './reply.ts';
import { Tap } from './tap.ts';
import { startTls, type TlsFacts, tlsFacts } from './tls.ts';

/** How long each step may take, in milliseconds; every one is absolute, so dripping bytes do not stretch it. */
export type SmtpTimeouts = {
  readonly connectMs: number;
  readonly bannerMs: number;
  readonly commandMs: number;
  readonly tlsMs: number;
  readonly totalMs: number;
};

/** One line of the conversation, as it was said; secrets are masked. */
export type TranscriptLine = {
  readonly atMs: number;
  readonly phase: Phase;
  readonly side: 'client' | 'server' | 'note';
  readonly encrypted: boolean;
  readonly text: string;
};

/** What the outer world is to a conversation. */
export type SmtpWorld = {
  readonly dial: Dialer;
  readonly context: SecureContext;
  readonly timeouts: SmtpTimeouts;
  readonly signal?: AbortSignal;
  readonly now: () => number;
  /** When certificates are judged, milliseconds since the epoch; the default is now. */
  readonly asOfMs?: number;
  readonly onLine?: (line: TranscriptLine) => void;
};

/** Whom to talk to, and with what. */
export type SmtpOptions = SmtpWorld & {
  readonly ip: string;
  readonly port: number;
  /** Name of the exchanger, for SNI; an address or an empty string sends none. */
  readonly host: string;
};

/** A world, and how this machine calls itself in it. */
export type SpeakerWorld = SmtpWorld & {
  /** Name for EHLO; null says the address literal of our end of the connection. */
  readonly ehlo: string | null;
};

/** How long QUIT waits for its 221, in milliseconds: good manners, but nobody waits for them. */
const QUIT_MS = 2000;

const DIAL_FAULTS: Readonly<Record<string, readonly [FaultKind, string]>> = {
  ECONNREFUSED: ['refused', 'the connection was refused'],
  ECONNRESET: ['reset', 'the connection was reset'],
  ETIMEDOUT: ['timeout', 'the connection timed out'],
  EHOSTUNREACH: ['unreachable', 'the host cannot be reached'],
  ENETUNREACH: ['unreachable', 'the network cannot be reached'],
  EACCES: ['unreachable', 'a firewall on this machine forbids the connection'],
  EPERM: ['unreachable', 'a firewall on this machine forbids the connection'],
};

function dialFault(thrown: unknown, ip: string): Omit<Fault, 'phase'> {
  const code = (thrown as NodeJS.ErrnoException).code ?? '';
  if (isIPv6(ip) && (code === 'ENETUNREACH' || code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT')) {
    return { kind: 'no-route', message: 'this machine has no IPv6 route', evidence: code };
  }
  const [kind, message] = DIAL_FAULTS[code] ?? ['unreachable', 'the connection failed'];
  return { kind, message, ...(code !== '' && { evidence: code }) };
}

/**
 * One conversation with one server: the client side of RFC 5321 with STARTTLS (RFC 3207). Every method
 * throws {@link SmtpFault} for what the server does or fails to do. Nothing is ever pipelined, nothing is
 * sent before the greeting, and what was said before TLS is forgotten.
 */
export class SmtpConnection {
  /** How far it came. */
  phase: Phase = 'connect';
  tls: TlsFacts | null = null;
  ehlo: Ehlo | null = null;
  greeting: Reply | null = null;
  private socket: Socket | TLSSocket;
  private reader = new ReplyReader();
  private ended: 'closed' | 'reset' | undefined;
  private wake: (() => void) | undefined;
  private readonly options: SmtpOptions;
  private readonly signal: AbortSignal;

  private constructor(socket: Socket, options: SmtpOptions, signal: AbortSignal) {
    this.socket = socket;
    this.options = options;
    this.signal = signal;
    signal.addEventListener('abort', this.onAbort, { once: true });
    this.listen(socket);
  }

  private readonly onAbort = (): void => {
    this.wake?.();
  };

  /** Connect to the address. The whole conversation must end within `timeouts.totalMs` from here. */
  static async open(options: SmtpOptions): Promise<SmtpConnection> {
    const total = AbortSignal.timeout(options.timeouts.totalMs);
    const signal = options.signal ? AbortSignal.any([options.signal, total]) : total;
    const patience = AbortSignal.timeout(options.timeouts.connectMs);
    try {
      const socket = await options.dial(options, AbortSignal.any([signal, patience]));
      return new SmtpConnection(socket, options, signal);
    } catch (error) {
      options.signal?.throwIfAborted();
      const fault: Omit<Fault, 'phase'> =
        patience.aborted || total.aborted
          ? { kind: 'timeout', message: 'no connection in time' }
          : dialFault(error, options.ip);
      throw new SmtpFault({ phase: 'connect', ...fault });
    }
  }

  /** Our end of the connection as an address literal (RFC 5321 §4.1.3), for a host without a name. */
  get localLiteral(): string {
    const ip = this.socket.localAddress ?? '127.0.0.1';
    return isIPv6(ip) && !ip.startsWith('::ffff:') ? `[IPv6:${ip}]` : `[${ip.replace('::ffff:', '')}]`;
  }

  /** Whether the server's last EHLO offers STARTTLS. */
  get offersStartTls(): boolean {
    return this.ehlo !== null && offersStartTls(this.ehlo);
  }

  /** The greeting (RFC 5321 §3.1); a reply other than 2xx is a `rejected` fault. */
  async banner(): Promise<Reply> {
    this.greeting = await this.reply('banner', this.options.timeouts.bannerMs);
    return this.expect(this.greeting, 200);
  }

  /** EHLO; what it answers is in `ehlo` until TLS starts. */
  async hello(name: string): Promise<Ehlo> {
    const phase = this.tls ? 'ehlo-tls' : 'ehlo';
    this.ehlo = readEhlo(this.expect(await this.command(`EHLO ${name}`, phase), 200));
    return this.ehlo;
  }

  /** HELO, for a server that knows no EHLO: it has no extensions, STARTTLS least of all. */
  async helloOld(name: string): Promise<void> {
    this.expect(await this.command(`HELO ${name}`, 'ehlo'), 200);
    this.ehlo = { name: '', extensions: new Map() };
  }

  /** TLS from the first byte on (RFC 8314 §3.3), before the greeting. */
  async implicitTls(): Promise<TlsFacts> {
    this.phase = 'tls';
    this.tls = await this.handshake();
    return this.tls;
  }

  /**
   * STARTTLS and the handshake. Bytes beyond the reply are somebody's plaintext that would end up inside
   * TLS (CVE-2011-0411, CVE-2021-38371): then TLS is not started on this connection at all.
   *
   * @param behind  bytes sent in one write with the command, for a test of what the server makes of them
   */
  async startTls(behind = ''): Promise<TlsFacts> {
    if (!this.offersStartTls) {
      throw new SmtpFault({
        phase: 'starttls',
        kind: 'not-offered',
        message: 'the server does not offer STARTTLS',
      });
    }
    this.phase = 'starttls';
    this.send(`STARTTLS\r\n${behind}`, behind === '' ? undefined : `STARTTLS and ${behind.trim()}`);
    this.expect(await this.reply('starttls', this.options.timeouts.commandMs), 220);
    // One turn of the loop: bytes that the system already has are then ours to see.
    await new Promise((resolve) => setImmediate(resolve));
    this.refuseInjection();
    // RFC 3207 §4.2: forget what EHLO said before TLS.
    this.ehlo = null;
    this.phase = 'tls';
    this.tls = await this.handshake();
    return this.tls;
  }

  /** A command and its reply, whatever the code. `secret` keeps the line out of the transcript. */
  async command(text: string, phase: Phase, secret = false): Promise<Reply> {
    if (/[\r\n\0]/.test(text)) throw new TypeError('an SMTP command holds no line end');
    this.phase = phase;
    this.tell('client', secret ? `${text.split(' ')[0]} …` : text);
    this.socket.write(`${text}\r\n`);
    return this.reply(phase, this.options.timeouts.commandMs);
  }

  /**
   * Send text as it is and wait for nothing.
   *
   * @param told  what the transcript says instead of it
   */
  send(text: string, told = text.trimEnd()): void {
    this.tell('client', told);
    this.socket.write(text);
  }

  /** A reply that nobody asked for, if one comes within `limitMs`; null where the server stays silent or hangs up. */
  async unasked(limitMs: number): Promise<Reply | null> {
    try {
      return await this.reply(this.phase, limitMs);
    } catch (error) {
      if (error instanceof SmtpFault && ['timeout', 'closed', 'reset'].includes(error.fault.kind))
        return null;
      throw error;
    }
  }

  /**
   * Send bytes as they are (a message after DATA) and wait until the system took them, then for the reply.
   */
  async payload(bytes: Uint8Array): Promise<Reply> {
    this.phase = 'message';
    this.tell('note', `${bytes.length} bytes of message`);
    this.socket.write(bytes);
    return this.reply('message', this.options.timeouts.commandMs);
  }

  /** Say goodbye if there is somebody to say it to, and close. Never throws. */
  async quit(): Promise<void> {
    if (!this.ended && !this.reader.fault && !this.signal.aborted) {
      const reached = this.phase;
      try {
        this.tell('client', 'QUIT');
        this.socket.write('QUIT\r\n');
        await this.reply('quit', QUIT_MS);
      } catch (error) {
        if (!(error instanceof SmtpFault)) throw error;
      }
      this.phase = reached;
    }
    this.close();
  }

  /** Close at once. */
  close(): void {
    this.signal.removeEventListener('abort', this.onAbort);
    this.socket.on('error', () => undefined);
    this.socket.end();
    this.socket.destroy();
  }

  private listen(socket: Socket | TLSSocket): void {
    socket.on('data', (chunk: Buffer) => {
      this.reader.push(chunk);
      // A server that floods is not read faster than its replies are taken.
      if (this.reader.surplus.length > 128 * 1024) socket.pause();
      this.wake?.();
    });
    socket.once('end', () => this.end('closed'));
    socket.once('close', () => this.end('closed'));
    socket.on('error', (error: NodeJS.ErrnoException) =>
      this.end(error.code === 'ECONNRESET' ? 'reset' : 'closed'),
    );
  }

  private end(how: 'closed' | 'reset'): void {
    this.ended ??= how;
    this.wake?.();
  }

  /** The next reply, within `limitMs` however slowly it comes. */
  private async reply(phase: Phase, limitMs: number): Promise<Reply> {
    if (phase !== 'quit') this.phase = phase;
    const patience = AbortSignal.timeout(limitMs);
    const onTime = () => this.wake?.();
    patience.addEventListener('abort', onTime, { once: true });
    try {
      for (;;) {
        const reply = this.reader.next();
        if (reply) {
          this.tell('server', replyText(reply, 2000));
          return reply;
        }
        if (this.reader.fault) throw this.fault(this.reader.fault);
        if (this.ended) throw this.fault(this.endFault(this.ended));
        if (patience.aborted || this.signal.aborted) throw this.lateFault();
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
      }
    } finally {
      patience.removeEventListener('abort', onTime);
      this.wake = undefined;
    }
  }

  private expect(reply: Reply, code: number): Reply {
    const fits = code === 200 ? reply.code >= 200 && reply.code < 300 : reply.code === code;
    if (fits) return reply;
    throw this.fault({
      kind: 'rejected',
      message: `the server answered ${reply.code}`,
      evidence: replyText(reply),
      reply,
    });
  }

  private endFault(how: 'closed' | 'reset'): Omit<Fault, 'phase'> {
    const what = how === 'reset' ? 'the connection was reset' : 'the server closed the connection';
    const { surplus } = this.reader;
    return { kind: how, message: what, ...(surplus.length > 0 && { evidence: printable(surplus, 80) }) };
  }

  private lateFault(): SmtpFault {
    this.options.signal?.throwIfAborted();
    const { surplus, inReply } = this.reader;
    if (!inReply) return this.fault({ kind: 'timeout', message: 'the server did not answer in time' });
    return this.fault({
      kind: 'tarpit',
      message: 'the server sent its answer too slowly to be whole in time',
      evidence: printable(surplus, 80),
    });
  }

  private fault(fault: Omit<Fault, 'phase'>): SmtpFault {
    return new SmtpFault({ phase: this.phase, ...fault });
  }

  private refuseInjection(): void {
    const { surplus } = this.reader;
    if (surplus.length === 0) return;
    throw this.fault({
      kind: 'injection',
      message: `${surplus.length} bytes of plaintext came behind the reply to STARTTLS`,
      evidence: printable(surplus, 80),
    });
  }

  private async handshake(): Promise<TlsFacts> {
    const plain = this.socket;
    plain
      .removeAllListeners('data')
      .removeAllListeners('end')
      .removeAllListeners('close')
      .removeAllListeners('error');
    const { host, context, timeouts, now, asOfMs } = this.options;
    const patience = AbortSignal.any([this.signal, AbortSignal.timeout(timeouts.tlsMs)]);
    const outcome = await startTls(new Tap(plain), { host, context, signal: patience });
    if ('kind' in outcome) {
      this.ended = 'closed';
      this.options.signal?.throwIfAborted();
      throw this.fault(outcome);
    }
    this.socket = outcome;
    this.reader = new ReplyReader();
    this.ended = undefined;
    this.listen(outcome);
    const facts = tlsFacts(outcome, asOfMs ?? now());
    this.tls = facts;
    this.tell('note', [facts.version ?? 'TLS', facts.cipher, facts.group].filter(Boolean).join(' '));
    return facts;
  }

  private tell(side: TranscriptLine['side'], text: string): void {
    const { now, onLine } = this.options;
    onLine?.({ atMs: now(), phase: this.phase, side, encrypted: this.tls !== null, text });
  }
}
