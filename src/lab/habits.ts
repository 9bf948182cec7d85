import type { SecureContextOptions } from 'node:tls';

/** Raw bytes for the server to say, made for its host name. */
type Says = (hostname: string) => string;

/** What a server does with STARTTLS: what it says, and what comes after. */
export type StartTlsAct = {
  /** Undefined says nothing at all. */
  readonly say?: string;
  readonly next: 'handshake' | 'close' | 'hang' | 'garbage' | 'stay';
};

/** How a laboratory server differs from a well-behaved one. */
export type Rules = {
  readonly greeting: Says;
  readonly afterGreeting: 'stay' | 'close';
  /** A byte at a time with this pause, instead of at once. */
  readonly dripMs?: number;
  readonly offers: 'always' | 'never' | 'masked' | 'every-second-time';
  readonly startTls: StartTlsAct;
  readonly tls: SecureContextOptions & { readonly requestCert?: boolean };
  readonly ehlo: 'normal' | 'refused' | 'mixed-codes' | 'busy';
  readonly extensionsBeforeTls: readonly string[];
  readonly extensionsInTls: readonly string[];
  readonly lineEnd: '\r\n' | '\n';
  readonly mailNeedsTls: boolean;
  /** Reply to RCPT, if it is not the usual one. */
  readonly rcpt?: string;
  /** Takes recipients of other domains than its own. */
  readonly relays: boolean;
  /** Obeys inside TLS what came in plaintext behind STARTTLS. */
  readonly carriesOver: boolean;
  /** A message ends with CR LF . CR LF, or with any dot that is alone on a line. */
  readonly dataEnd: 'strict' | 'any-line-end';
  /** Takes the message and closes without a word. */
  readonly losesReply: boolean;
  /** Ends connections without close_notify. */
  readonly abrupt: boolean;
};

const READY = '220 2.0.0 Ready to start TLS\r\n';

const GOOD: Rules = {
  greeting: (hostname) => `220 ${hostname} ESMTP\r\n`,
  afterGreeting: 'stay',
  offers: 'always',
  startTls: { say: READY, next: 'handshake' },
  tls: { minVersion: 'TLSv1.2' },
  ehlo: 'normal',
  extensionsBeforeTls: ['PIPELINING', 'SIZE 10240000', '8BITMIME', 'ENHANCEDSTATUSCODES'],
  extensionsInTls: ['PIPELINING', 'SIZE 10240000', '8BITMIME', 'ENHANCEDSTATUSCODES'],
  lineEnd: '\r\n',
  mailNeedsTls: false,
  relays: true,
  carriesOver: false,
  dataEnd: 'strict',
  losesReply: false,
  abrupt: false,
};

function greets(say: Says, afterGreeting: Rules['afterGreeting'] = 'stay'): Partial<Rules> {
  return { greeting: say, afterGreeting };
}

function answersStartTls(next: StartTlsAct['next'], say?: string): Partial<Rules> {
  return { startTls: { next, ...(say !== undefined && { say }) } };
}

/** OpenSSL's security level 1 knows no TLS below 1.2. */
const OLD = 'DEFAULT@SECLEVEL=0';

/** What each habit changes of a good server. Names are those of a test that tells what it is about. */
const DIFFERENCES = {
  good: {},
  none: { offers: 'never' },
  masked: { offers: 'masked' },
  intermittent: { offers: 'every-second-time' },
  close: answersStartTls('close'),
  'close-after-220': answersStartTls('close', READY),
  'refuse-454': answersStartTls('stay', '454 4.7.0 TLS not available due to a temporary reason\r\n'),
  'refuse-502': answersStartTls('stay', '502 5.5.1 Command not implemented\r\n'),
  garbage: answersStartTls('garbage', READY),
  hang: answersStartTls('hang', READY),
  inject: answersStartTls('handshake', `${READY}250 2.0.0 injected before TLS\r\n`),
  'inject-partial': answersStartTls('handshake', `${READY}250 tail without an end`),
  alert: { tls: { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' } },
  'tls10-only': { tls: { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: OLD } },
  'tls11-only': { tls: { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: OLD } },
  'tls12-only': { tls: { maxVersion: 'TLSv1.2' } },
  'tls10-also': { tls: { minVersion: 'TLSv1', ciphers: OLD } },
  'mlkem-only': { tls: { minVersion: 'TLSv1.3', ecdhCurve: 'X25519MLKEM768' } },
  'classic-only': { tls: { minVersion: 'TLSv1.3', ecdhCurve: 'X25519' } },
  anonymous: { tls: { maxVersion: 'TLSv1.2', ciphers: 'aNULL@SECLEVEL=0' } },
  'client-cert': { tls: { minVersion: 'TLSv1.2', requestCert: true } },
  'no-close-notify': { abrupt: true },
  'hang-banner': greets(() => ''),
  'greet-close': greets(() => '', 'close'),
  'greet-450': greets(() => '450 4.7.1 Greylisted, try again in five minutes\r\n'),
  'greet-421': greets((hostname) => `421 4.3.2 ${hostname} Too many connections\r\n`, 'close'),
  'greet-554': greets(() => '554 5.7.1 Your address is not welcome here\r\n'),
  'long-banner': greets((hostname) => `220 ${hostname} ${'x'.repeat(9000)}\r\n`),
  'many-lines': greets((hostname) => `${`220-${hostname}\r\n`.repeat(3000)}220 ${hostname}\r\n`),
  'long-line': greets((hostname) => `220 ${hostname} ${'x'.repeat(1_000_000)}\r\n`),
  'no-hostname': greets(() => '220 \r\n'),
  'not-smtp': greets(() => 'SSH-2.0-OpenSSH_9.2\r\n'),
  'control-characters': greets(
    (hostname) => `220 ${hostname} \x1b]0;owned\x07\x1b[2J\x9b31m\xe2\x80\xae\r\n`,
  ),
  tarpit: { dripMs: 1000 },
  'ehlo-refused': { ehlo: 'refused' },
  'ehlo-busy': { ehlo: 'busy' },
  'mixed-codes': { ehlo: 'mixed-codes' },
  'ehlo-differs': { extensionsInTls: ['SIZE 20480000', '8BITMIME', 'REQUIRETLS', 'AUTH PLAIN'] },
  'auth-before-tls': { extensionsBeforeTls: ['AUTH PLAIN LOGIN', '8BITMIME'] },
  'starttls-inside': { extensionsInTls: ['8BITMIME', 'STARTTLS'] },
  'bare-lf': { lineEnd: '\n' },
  'need-starttls': { mailNeedsTls: true },
  'rcpt-450': { rcpt: '450 4.2.1 Mailbox busy\r\n' },
  'rcpt-550': { rcpt: '550 5.1.1 No such mailbox\r\n' },
  'no-relay': { relays: false },
  'carries-over': { carriesOver: true },
  'any-line-end': { dataEnd: 'any-line-end' },
  'data-lost': { losesReply: true },
} as const satisfies Readonly<Record<string, Partial<Rules>>>;

export type Habit = keyof typeof DIFFERENCES;

export const HABITS = Object.keys(DIFFERENCES) as readonly Habit[];

export function rulesOf(habit: Habit): Rules {
  return { ...GOOD, ...DIFFERENCES[habit] };
}
