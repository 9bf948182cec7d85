import { randomBytes } from 'node:crypto';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import { type Habit, type Rules, rulesOf } from './habits.ts';

/** A message as the server took it. */
export type ReceivedMessage = {
  readonly helo: string;
  readonly envelopeFrom: string;
  readonly recipients: readonly string[];
  readonly encrypted: boolean;
  readonly queueId: string;
  /** With the server's own Received field on top, dots unstuffed. */
  readonly bytes: Buffer;
};

/** A running mail server of the laboratory. */
export type MailLab = {
  readonly host: string;
  readonly port: number;
  readonly messages: readonly ReceivedMessage[];
  /** Connections taken so far. */
  readonly connections: number;
  /** Commands of all clients, the last 1,000. */
  readonly commands: readonly string[];
  close(): Promise<void>;
};

export type MailLabOptions = {
  readonly hostname: string;
  readonly habit?: Habit;
  readonly host?: string;
  readonly port?: number;
  /** Certificates and keys, PEM; several for RSA beside ECDSA. Without, no handshake succeeds. */
  readonly certificates?: readonly { readonly keyPem: string; readonly chainPem: string }[];
  /** TLS from the first byte on, as on port 465. */
  readonly implicitTls?: boolean;
  /** Whoever wants to send has to log in with this (AUTH PLAIN), which is offered inside TLS only. */
  readonly account?: { readonly user: string; readonly password: string };
  readonly now?: () => number;
};

const MAX_LINE = 4096;
const MAX_MESSAGE = 10_240_000;
const MAX_MESSAGES = 1000;
const MAX_COMMANDS = 1000;
const IDLE_MS = 60_000;

type Shared = {
  readonly options: MailLabOptions;
  readonly rules: Rules;
  readonly context: SecureContext;
  readonly messages: ReceivedMessage[];
  readonly commands: string[];
  readonly timers: Set<NodeJS.Timeout>;
};

/** Key length of the suite, as Received fields tell it. */
function bitsOf(cipher: string): number {
  return /128/.test(cipher) ? 128 : 256;
}

/** RFC 5322 date. */
function dateOf(ms: number): string {
  return `${new Date(ms).toUTCString().replace('GMT', '+0000')} (UTC)`;
}

/** One client's conversation. */
class Session {
  private readonly shared: Shared;
  private socket: Socket | TLSSocket;
  private readonly offers: boolean;
  private pending = Buffer.alloc(0);
  private helo = '';
  private extended = false;
  private from: string | undefined;
  private recipients: string[] = [];
  private data: Buffer[] | undefined;
  private dataSize = 0;
  /** The line of the message before ended with CR LF, or there is none. */
  private afterLineEnd = true;
  private deaf = false;
  private loggedIn = false;

  constructor(socket: Socket, shared: Shared, number: number) {
    this.shared = shared;
    this.socket = socket;
    const { offers } = shared.rules;
    this.offers = offers === 'always' || (offers === 'every-second-time' && number % 2 === 0);
    this.attach(socket);
    if (shared.options.implicitTls) this.handshake();
    this.greet();
  }

  private get rules(): Rules {
    return this.shared.rules;
  }

  private get tls(): TLSSocket | undefined {
    return this.socket instanceof TLSSocket ? this.socket : undefined;
  }

  private attach(socket: Socket): void {
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => this.read(chunk));
  }

  private greet(): void {
    const text = this.rules.greeting(this.shared.options.hostname);
    if (text !== '') this.say(text);
    if (this.rules.afterGreeting === 'close') this.socket.end();
  }

  /** Says bytes as they are, but for the line ends of this habit. */
  private say(text: string): void {
    const bytes = Buffer.from(this.rules.lineEnd === '\n' ? text.replaceAll('\r\n', '\n') : text, 'latin1');
    if (!this.socket.writable) return;
    if (this.rules.dripMs === undefined) this.socket.write(bytes);
    else this.drip(bytes, this.rules.dripMs);
  }

  private drip(bytes: Buffer, pauseMs: number): void {
    let sent = 1;
    this.socket.write(bytes.subarray(0, sent));
    const timer = setInterval(() => {
      if (sent >= bytes.length || !this.socket.writable) {
        clearInterval(timer);
        this.shared.timers.delete(timer);
      } else this.socket.write(bytes.subarray(sent, ++sent));
    }, pauseMs);
    this.shared.timers.add(timer);
  }

  private read(chunk: Buffer): void {
    if (this.deaf) return;
    this.pending = Buffer.concat([this.pending, chunk]);
    for (let end = this.pending.indexOf('\n'); end !== -1; end = this.pending.indexOf('\n')) {
      const line = this.pending.subarray(0, end + 1);
      this.pending = this.pending.subarray(end + 1);
      if (this.data) this.readData(line);
      else this.command(line.toString('latin1').replace(/\r?\n$/, ''));
      if (this.deaf) return;
    }
    if (!this.data && this.pending.length > MAX_LINE) this.socket.destroy();
  }

  private command(line: string): void {
    const { commands } = this.shared;
    commands.push(line.slice(0, 200));
    if (commands.length > MAX_COMMANDS) commands.shift();
    const verb = line.slice(0, 4).toUpperCase();
    switch (verb) {
      case 'EHLO':
      case 'HELO':
        return this.hello(verb, line.slice(5).trim());
      case 'STAR':
        return this.startTls();
      case 'MAIL':
        return this.mail(line);
      case 'RCPT':
        return this.rcpt(line);
      case 'DATA':
        return this.beginData();
      case 'AUTH':
        return this.login(line);
      case 'RSET':
        this.reset();
        return this.say('250 2.0.0 Ok\r\n');
      case 'NOOP':
        return this.say('250 2.0.0 Ok\r\n');
      case 'QUIT':
        return this.quit();
      default:
        return this.say('502 5.5.2 Command not recognized\r\n');
    }
  }

  private hello(verb: 'EHLO' | 'HELO', name: string): void {
    const { hostname } = this.shared.options;
    this.helo = name.slice(0, 255);
    this.reset();
    if (verb === 'HELO') return this.say(`250 ${hostname}\r\n`);
    if (this.rules.ehlo === 'refused') return this.say('502 5.5.1 EHLO is not implemented\r\n');
    if (this.rules.ehlo === 'mixed-codes') return this.say(`250-${hostname}\r\n220 STARTTLS\r\n`);
    if (this.rules.ehlo === 'busy') {
      this.say(`421 4.3.2 ${hostname} shutting down\r\n`);
      this.socket.end();
      return;
    }
    this.extended = true;
    const lines = [hostname, ...this.keywords()];
    this.say(lines.map((text, index) => `250${index < lines.length - 1 ? '-' : ' '}${text}\r\n`).join(''));
  }

  private keywords(): string[] {
    const auth = this.shared.options.account ? ['AUTH PLAIN'] : [];
    if (this.tls) return [...this.rules.extensionsInTls, ...auth];
    const masked = this.rules.offers === 'masked' ? ['XXXXXXXA'] : [];
    return [...this.rules.extensionsBeforeTls, ...(this.offers ? ['STARTTLS'] : masked)];
  }

  private startTls(): void {
    if (this.tls || !this.offers) return this.say('503 5.5.1 TLS is not available\r\n');
    const { say, next } = this.rules.startTls;
    if (say !== undefined) this.say(say);
    if (next === 'close') this.socket.destroySoon();
    if (next === 'hang') this.deaf = true;
    if (next === 'garbage') this.garble();
    if (next === 'handshake') this.handshake();
  }

  /** Answers the ClientHello the way a filtering proxy does. */
  private garble(): void {
    this.deaf = true;
    this.socket.once('data', () => this.socket.end('500 5.5.1 Command unrecognized\r\n'));
  }

  private handshake(): void {
    const plain = this.socket;
    plain.removeAllListeners('data');
    const { tls, carriesOver } = this.rules;
    const behind = this.pending;
    this.pending = Buffer.alloc(0);
    this.extended = false;
    this.reset();
    this.socket = new TLSSocket(plain, {
      isServer: true,
      secureContext: this.shared.context,
      requestCert: tls.requestCert === true,
      rejectUnauthorized: false,
    });
    this.attach(this.socket);
    if (carriesOver) this.socket.once('secure', () => this.read(behind));
  }

  /** RFC 4616, with an initial response. */
  private login(line: string): void {
    const { account } = this.shared.options;
    if (!account || !this.tls) return this.say('503 5.5.1 AUTH is not available\r\n');
    const response = /^AUTH PLAIN ([A-Za-z0-9+/=]+)$/i.exec(line)?.[1] ?? '';
    const [, user, password] = Buffer.from(response, 'base64').toString('utf8').split('\0');
    this.loggedIn = user === account.user && password === account.password;
    return this.say(
      this.loggedIn ? '235 2.7.0 Authentication successful\r\n' : '535 5.7.8 Authentication failed\r\n',
    );
  }

  private mail(line: string): void {
    if (this.shared.options.account && !this.loggedIn)
      return this.say('530 5.7.0 Authentication required\r\n');
    if (this.rules.mailNeedsTls && !this.tls)
      return this.say('530 5.7.0 Must issue a STARTTLS command first\r\n');
    const path = /^MAIL FROM:\s*<([^>]*)>/i.exec(line)?.[1];
    if (path === undefined || this.helo === '') return this.say('501 5.5.4 Syntax: MAIL FROM:<address>\r\n');
    this.reset();
    this.from = path;
    return this.say('250 2.1.0 Ok\r\n');
  }

  private rcpt(line: string): void {
    const path = /^RCPT TO:\s*<([^>]+)>/i.exec(line)?.[1];
    if (path === undefined || this.from === undefined) return this.say('503 5.5.1 Need MAIL first\r\n');
    if (this.rules.rcpt !== undefined) return this.say(this.rules.rcpt);
    if (!this.rules.relays && !this.isOurs(path)) return this.say('554 5.7.1 Relay access denied\r\n');
    if (this.recipients.length >= 100) return this.say('452 4.5.3 Too many recipients\r\n');
    this.recipients.push(path);
    return this.say('250 2.1.5 Ok\r\n');
  }

  /** A plain address in the domain that this server is the exchanger of. */
  private isOurs(path: string): boolean {
    const [local, domain, more] = path.split('@');
    return (
      !/[%!"]/.test(local ?? '') && more === undefined && this.shared.options.hostname.endsWith(`.${domain}`)
    );
  }

  private beginData(): void {
    if (this.recipients.length === 0) return this.say('503 5.5.1 Need RCPT first\r\n');
    this.data = [];
    this.dataSize = 0;
    this.afterLineEnd = true;
    return this.say('354 End data with <CR><LF>.<CR><LF>\r\n');
  }

  private readData(line: Buffer): void {
    const ends =
      this.rules.dataEnd === 'strict'
        ? this.afterLineEnd && line.equals(Buffer.from('.\r\n'))
        : /^\.\r?\n$/.test(line.toString('latin1'));
    if (ends) return this.endData();
    this.afterLineEnd = line.at(-2) === 13;
    const text = line[0] === 46 ? line.subarray(1) : line;
    this.dataSize += text.length;
    if (this.dataSize <= MAX_MESSAGE) this.data?.push(text);
    return undefined;
  }

  private endData(): void {
    const { messages } = this.shared;
    const tooLarge = this.dataSize > MAX_MESSAGE;
    const queueId = randomBytes(6).toString('hex').toUpperCase();
    if (!tooLarge && messages.length < MAX_MESSAGES) {
      messages.push({
        helo: this.helo,
        envelopeFrom: this.from ?? '',
        recipients: this.recipients,
        encrypted: this.tls !== undefined,
        queueId,
        bytes: Buffer.concat([this.received(queueId), ...(this.data ?? [])]),
      });
    }
    this.reset();
    if (this.rules.losesReply) this.socket.destroy();
    else this.say(tooLarge ? '552 5.3.4 Message too large\r\n' : `250 2.0.0 Ok: queued as ${queueId}\r\n`);
  }

  /** RFC 5321 §4.4, in the form that Postfix gives it: what was seen, not what would look good. */
  private received(queueId: string): Buffer {
    const { hostname, now = Date.now } = this.shared.options;
    const ip = (this.socket.remoteAddress ?? '').replace('::ffff:', '');
    const cipher = this.tls?.getCipher().standardName ?? '';
    const tls = this.tls
      ? `\r\n\t(using ${this.tls.getProtocol()} with cipher ${cipher} (${bitsOf(cipher)}/${bitsOf(cipher)} bits))\r\n\t(No client certificate requested)`
      : '';
    const protocol = this.extended ? (this.tls ? 'ESMTPS' : 'ESMTP') : 'SMTP';
    const [only] = this.recipients;
    const recipient = this.recipients.length === 1 && only ? `\r\n\tfor <${only}>` : '';
    return Buffer.from(
      `Received: from ${this.helo} (unknown [${ip}])${tls}\r\n\tby ${hostname} (Postfix) with ${protocol} id ${queueId}${recipient};\r\n\t${dateOf(now())}\r\n`,
      'latin1',
    );
  }

  private reset(): void {
    this.from = undefined;
    this.recipients = [];
    this.data = undefined;
  }

  private quit(): void {
    if (this.rules.abrupt) {
      this.socket.destroy();
      return;
    }
    this.say('221 2.0.0 Bye\r\n');
    this.socket.end();
  }
}

/**
 * Start a mail server on loopback that behaves well, or in exactly one way badly. It takes what it is sent
 * and keeps it; nothing goes anywhere.
 */
export async function startMailServer(options: MailLabOptions): Promise<MailLab> {
  const rules = rulesOf(options.habit ?? 'good');
  const { requestCert: _, ...tls } = rules.tls;
  const certificates = options.certificates ?? [];
  const shared: Shared = {
    options,
    rules,
    context: createSecureContext({
      ...tls,
      key: certificates.map(({ keyPem }) => keyPem),
      cert: certificates.map(({ chainPem }) => chainPem),
    }),
    messages: [],
    commands: [],
    timers: new Set(),
  };
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    new Session(socket, shared, connections++);
  });
  await new Promise<void>((resolve, reject) =>
    server.once('error', reject).listen(options.port ?? 0, options.host ?? '127.0.0.1', resolve),
  );
  const { address, port } = server.address() as AddressInfo;
  return {
    host: address,
    port,
    messages: shared.messages,
    commands: shared.commands,
    get connections() {
      return connections;
    },
    close: async () => {
      for (const timer of shared.timers) clearInterval(timer);
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A high port that is free on all of these addresses, since the exchangers of a run share one port. */
export async function findSharedPort(hosts: readonly string[]): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const probes = hosts.map(() => createServer());
    try {
      const port = await listen(probes[0], hosts[0] ?? '127.0.0.1', 0);
      for (const [index, probe] of probes.entries()) {
        if (index > 0) await listen(probe, hosts[index] ?? '127.0.0.1', port);
      }
      return port;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    } finally {
      await Promise.all(probes.map((probe) => new Promise((resolve) => probe.close(resolve))));
    }
  }
  throw new Error('no port is free on all addresses');
}

function listen(
  server: ReturnType<typeof createServer> | undefined,
  host: string,
  port: number,
): Promise<number> {
  return new Promise((resolve, reject) => {
    server?.once('error', reject).listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}
