import { AppError, ExitCode } from '../errors.ts';
import { type Check, worst } from '../report.ts';
import { SmtpConnection, type SpeakerWorld } from '../smtp/connection.ts';
import { SmtpFault } from '../smtp/fault.ts';
import { type Reply, replyText } from '../smtp/reply.ts';
import type { Place } from './conversation.ts';

/**
 * Tests that a server may take amiss: they are for servers of one's own, one target at a time.
 *
 * - `injection`: commands sent in plaintext right behind STARTTLS must not be answered inside TLS (CVE-2011-0411)
 * - `relay`: a recipient elsewhere must not be taken from a stranger
 * - `data-end`: only CR LF . CR LF ends a message (CVE-2023-51764 and its relatives, "SMTP smuggling")
 */
export const INTRUSIVE_TESTS = ['injection', 'relay', 'data-end'] as const;
export type IntrusiveTest = (typeof INTRUSIVE_TESTS)[number];

/** What one attempt showed. `doubtful`: it was taken, which has an innocent explanation as well. */
export type Attempt = {
  readonly test: IntrusiveTest;
  /** What was sent, in a few words. */
  readonly tried: string;
  readonly result: 'safe' | 'vulnerable' | 'doubtful' | 'unknown';
  /** What the server said, or how it ended; null for silence. */
  readonly answer: string | null;
};

/** What the tests are made with. */
export type IntrusionOptions = {
  readonly tests: readonly IntrusiveTest[];
  /** Domain that the server takes mail for. */
  readonly domain: string;
  /** A recipient elsewhere, whom no mail is sent to. */
  readonly outside: string;
  /** A mailbox on the server that may get test messages; needed by `data-end`. */
  readonly mailbox: string | null;
  /** How long an answer that must not come is waited for, in milliseconds. */
  readonly silenceMs: number;
};

/**
 * Read a list such as `injection,relay`.
 *
 * @throws AppError E_INTRUSIVE (exit 64) for a word that is none
 */
export function parseIntrusiveTests(text: string): IntrusiveTest[] {
  return text.split(',').map((part) => {
    const test = INTRUSIVE_TESTS.find((name) => name === part.trim().toLowerCase());
    if (test) return test;
    throw new AppError(`--intrusive: '${part}' is no test.`, {
      code: 'E_INTRUSIVE',
      exit: ExitCode.usage,
      hint: `Choose from ${INTRUSIVE_TESTS.join(', ')}, with commas between.`,
    });
  });
}

/** Make the attempts with one server, one connection after the other. Never throws for what the server does. */
export async function intrude(
  place: Place,
  world: SpeakerWorld,
  options: IntrusionOptions,
): Promise<Attempt[]> {
  const attempts: Attempt[] = [];
  for (const test of options.tests) {
    if (test === 'injection') attempts.push(...(await tryInjection(place, world, options)));
    if (test === 'relay') attempts.push(...(await tryRelay(place, world, options)));
    if (test === 'data-end' && options.mailbox !== null)
      attempts.push(...(await tryDataEnds(place, world, options, options.mailbox)));
  }
  return attempts;
}

type Outcome = Pick<Attempt, 'result' | 'answer'>;

/** One connection from its greeting on; what the server does wrong otherwise leaves the attempt unknown. */
async function attempt(
  place: Place,
  world: SpeakerWorld,
  work: (connection: SmtpConnection) => Promise<Outcome>,
): Promise<Outcome> {
  let connection: SmtpConnection | undefined;
  try {
    connection = await SmtpConnection.open({ ...world, ...place });
    if (place.implicitTls) await connection.implicitTls();
    await connection.banner();
    await connection.hello(world.ehlo ?? connection.localLiteral);
    return await work(connection);
  } catch (error) {
    if (!(error instanceof SmtpFault)) throw error;
    const { message, evidence } = error.fault;
    return { result: 'unknown', answer: evidence === undefined ? message : `${message}: ${evidence}` };
  } finally {
    connection?.close();
  }
}

/** The same inside TLS, where the server offers that and it works. */
async function attemptInTls(
  place: Place,
  world: SpeakerWorld,
  work: (connection: SmtpConnection) => Promise<Outcome>,
): Promise<Outcome> {
  return attempt(place, world, async (connection) => {
    if (connection.offersStartTls) {
      await connection.startTls();
      await connection.hello(world.ehlo ?? connection.localLiteral);
    }
    return work(connection);
  });
}

const INJECTED = ['NOOP', 'EHLO injected.invalid'] as const;

async function tryInjection(
  place: Place,
  world: SpeakerWorld,
  { silenceMs }: IntrusionOptions,
): Promise<Attempt[]> {
  if (place.implicitTls) return [];
  const attempts: Attempt[] = [];
  for (const command of INJECTED) {
    const outcome = await attempt(place, world, async (connection) => {
      if (!connection.offersStartTls) return { result: 'unknown', answer: 'STARTTLS is not offered' };
      try {
        await connection.startTls(`${command}\r\n`);
      } catch (error) {
        return withoutTls(error);
      }
      const reply = await connection.unasked(silenceMs);
      return reply === null
        ? { result: 'safe', answer: null }
        : { result: 'vulnerable', answer: `inside TLS: ${replyText(reply)}` };
    });
    attempts.push({ test: 'injection', tried: `${command} behind STARTTLS`, ...outcome });
  }
  return attempts;
}

/** A server that answers in plaintext, refuses or hangs up has carried nothing into TLS. */
function withoutTls(error: unknown): Outcome {
  if (!(error instanceof SmtpFault)) throw error;
  const { kind, message, evidence } = error.fault;
  const safe = kind === 'injection' || kind === 'rejected' || kind === 'closed' || kind === 'reset';
  return {
    result: safe ? 'safe' : 'unknown',
    answer: evidence === undefined ? message : `${message}: ${evidence}`,
  };
}

type RelayForm = {
  readonly from: string;
  readonly to: string;
  /** A server that takes any local part takes this form as well. */
  readonly innocent: boolean;
};

function relayForms({ domain, outside }: IntrusionOptions): RelayForm[] {
  const own = `postmaster@${domain}`;
  return [
    { from: '', to: outside, innocent: false },
    { from: own, to: outside, innocent: false },
    { from: own, to: `@${domain}:${outside}`, innocent: false },
    { from: own, to: `${outside.replace('@', '%')}@${domain}`, innocent: true },
    { from: own, to: `"${outside}"@${domain}`, innocent: true },
  ];
}

async function tryRelay(place: Place, world: SpeakerWorld, options: IntrusionOptions): Promise<Attempt[]> {
  const attempts: Attempt[] = [];
  for (const { from, to, innocent } of relayForms(options)) {
    // A connection each: servers count errors, and hang up on who makes several.
    const outcome = await attemptInTls(place, world, async (connection) => {
      const mail = await connection.command(`MAIL FROM:<${from}>`, 'mail');
      if (mail.code >= 300) return { result: 'unknown', answer: `to MAIL: ${replyText(mail)}` };
      const reply = await connection.command(`RCPT TO:<${to}>`, 'rcpt');
      await connection.command('RSET', 'rcpt');
      return { result: relayResult(reply, innocent), answer: replyText(reply) };
    });
    attempts.push({ test: 'relay', tried: `from <${from}> to <${to}>`, ...outcome });
  }
  return attempts;
}

function relayResult({ code }: Reply, innocent: boolean): Attempt['result'] {
  if (code >= 500) return 'safe';
  // 252: it will try, and has decided nothing.
  if (code >= 300 || code === 252) return 'unknown';
  return innocent ? 'doubtful' : 'vulnerable';
}

/** Ends of a message that are none, as they were found to be taken for one somewhere. */
const WRONG_ENDS = [
  ['LF . LF', '\n.\n'],
  ['LF . CR LF', '\n.\r\n'],
  ['CR LF . LF', '\r\n.\n'],
  ['CR . CR', '\r.\r'],
  ['CR LF NUL . CR LF', '\r\n\0.\r\n'],
] as const;

async function tryDataEnds(
  place: Place,
  world: SpeakerWorld,
  { domain, silenceMs }: IntrusionOptions,
  mailbox: string,
): Promise<Attempt[]> {
  const attempts: Attempt[] = [];
  for (const [name, end] of WRONG_ENDS) {
    const outcome = await attemptInTls(place, world, async (connection) => {
      for (const [command, phase] of [
        [`MAIL FROM:<postmaster@${domain}>`, 'mail'],
        [`RCPT TO:<${mailbox}>`, 'rcpt'],
        ['DATA', 'data'],
      ] as const) {
        const reply = await connection.command(command, phase);
        if (reply.code >= 400) return { result: 'unknown', answer: `to ${command}: ${replyText(reply)}` };
      }
      connection.send(testMessage(name, domain, mailbox, world.now()) + end, 'a message with a wrong end');
      const reply = await connection.unasked(silenceMs);
      if (reply === null) return { result: 'safe', answer: null };
      return { result: reply.code < 400 ? 'vulnerable' : 'safe', answer: replyText(reply) };
    });
    // The connection was closed without the right end: a server throws such a message away (RFC 5321 §4.1.1.4).
    attempts.push({ test: 'data-end', tried: name, ...outcome });
  }
  return attempts;
}

function testMessage(end: string, domain: string, mailbox: string, nowMs: number): string {
  return [
    `From: <postmaster@${domain}>`,
    `To: <${mailbox}>`,
    `Subject: test of the end of a message (${end})`,
    `Date: ${new Date(nowMs).toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <data-end.${nowMs}.${WRONG_ENDS.findIndex(([name]) => name === end)}@${domain}>`,
    '',
    'postern mx probe --intrusive data-end: this message ought not to have arrived, as its end is none.',
  ].join('\r\n');
}

type Words = {
  readonly id: string;
  readonly ref: string;
  readonly safe: string;
  readonly vulnerable: string;
  readonly doubtful: string;
  readonly unknown: string;
  readonly fix: string;
};

const WORDS: Readonly<Record<IntrusiveTest, Words>> = {
  injection: {
    id: 'smtp.starttls.carried-over',
    ref: 'RFC 3207 §4.2, CVE-2011-0411, CVE-2021-38371',
    safe: 'What is sent behind STARTTLS in plaintext is thrown away.',
    vulnerable: 'Commands sent in plaintext behind STARTTLS are carried into TLS and obeyed there.',
    doubtful: 'Whether commands behind STARTTLS are carried into TLS is doubtful.',
    unknown: 'Whether commands behind STARTTLS are carried into TLS could not be told.',
    fix: 'Update the server, or what ends TLS before it; it has to forget its input buffer when TLS starts.',
  },
  relay: {
    id: 'smtp.relay',
    ref: 'RFC 5321 §3.6.1, §7.9',
    safe: 'Mail from this machine to elsewhere is refused.',
    vulnerable: 'Mail from this machine to elsewhere is taken: an open relay, unless this machine may relay.',
    doubtful: 'An address that hides a recipient elsewhere is taken: forwarded, or as any local name is.',
    unknown: 'Whether mail to elsewhere is taken could not be told.',
    fix: 'Let only your own networks and logged-in users relay; try again from a machine that is not yours.',
  },
  'data-end': {
    id: 'smtp.data.end',
    ref: 'RFC 5321 §4.1.1.4, CVE-2023-51764, CVE-2023-51765, CVE-2023-51766',
    safe: 'Only CR LF . CR LF ends a message.',
    vulnerable: 'Something else than CR LF . CR LF ends a message: others can smuggle mail in through it.',
    doubtful: 'Whether only CR LF . CR LF ends a message is doubtful.',
    unknown: 'Whether only CR LF . CR LF ends a message could not be told.',
    fix: 'Update the server and refuse bare line ends; the test message in the mailbox can be deleted.',
  },
};

const STATUS = { safe: 'ok', vulnerable: 'crit', doubtful: 'warn', unknown: 'unknown' } as const;

/** A check for each test that was made, by its worst attempt. */
export function intrusiveChecks(attempts: readonly Attempt[]): Check[] {
  return INTRUSIVE_TESTS.flatMap((test): Check[] => {
    const made = attempts.filter((each) => each.test === test);
    if (made.length === 0) return [];
    const { id, ref, fix, ...words } = WORDS[test];
    const status = worst(made.map(({ result }) => STATUS[result]));
    const told = made.filter(({ result }) => STATUS[result] === status);
    const [first] = told;
    return [
      {
        id,
        status,
        message: first ? words[first.result] : words.unknown,
        evidence: told.map(({ tried, answer }) => `${tried}: ${answer ?? 'no answer'}`).join('; '),
        ...(status === 'ok' ? {} : { fix }),
        ref,
      },
    ];
  });
}
