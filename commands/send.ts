import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import * as Flags from '@oclif/core/flags';
import { BaseCommand, judgeTime } from '../src/cli/base.ts';
import {
  dnsFlags,
  FINDING_FORMATS,
  formatFlag,
  policyFlags,
  smtpFlags,
  withEnvironment,
} from '../src/cli/flags.ts';
import { readWhole } from '../src/cli/input.ts';
import { mtaStsFinder } from '../src/cli/policies.ts';
import { ask } from '../src/cli/prompt.ts';
import { renderSend, sendFigures } from '../src/cli/render/send.ts';
import { readSecretFile } from '../src/cli/secrets.ts';
import { line } from '../src/cli/text.ts';
import { openDns, smtpWorld } from '../src/cli/world.ts';
import { AppError, ExitCode } from '../src/errors.ts';
import { POLICIES, type Policy } from '../src/policy/terms.ts';
import type { SendResult } from '../src/schema/send.ts';
import { STAGES } from '../src/send/attempt.ts';
import { deliver } from '../src/send/deliver.ts';
import { parseMailbox } from '../src/send/mailbox.ts';
import { prepareMessage, testMessage } from '../src/send/message.ts';
import { parseSmarthost, type Smarthost } from '../src/send/via.ts';

/** Largest message that is sent, in bytes. */
const MAX_MESSAGE = 50_000_000;

export default class Send extends BaseCommand {
  static override summary = 'Deliver one message to its exchangers, and say which way it went.';
  static override description =
    'Encrypts when the server offers STARTTLS. If the negotiation fails for any reason, the message is ' +
    'delivered in plaintext over a new connection, and that is said. Under every other policy it is deferred ' +
    'instead: encrypt looks at no certificate, verify and secure want a valid one for the exchanger or the domain, dane ' +
    'and mta-sts do what the domain demands, auto what it demands by either. Nothing is queued: what is deferred is ' +
    'told, and can be sent again. With --via the message is handed to a smarthost. Without --file a short test message ' +
    'is sent.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --from me@example.com --to you@example.org --file message.eml',
    '<%= config.bin %> <%= command.id %> --from me@example.com --to you@example.org --fail-on-plaintext --json',
    '<%= config.bin %> <%= command.id %> --from me@example.com --to you@example.org --policy encrypt < message.eml --file -',
  ];
  static override flags = {
    ...withEnvironment({
      from: Flags.string({ summary: 'Envelope sender; "<>" for none.', helpValue: 'ADDR' }),
      to: Flags.string({
        summary: 'Recipient; may be given several times.',
        multiple: true,
        multipleNonGreedy: true,
        helpValue: 'ADDR',
      }),
      file: Flags.string({ summary: 'Message to send, "-" for standard input.', helpValue: 'FILE' }),
      policy: Flags.option({
        summary: 'How strict to be about encryption.',
        options: POLICIES,
        default: 'opportunistic' as const,
      })(),
      'fail-on-plaintext': Flags.boolean({
        summary: 'Exit with 2 when it was delivered in plaintext (it is delivered all the same).',
      }),
      'fallback-on-injection': Flags.boolean({
        summary: 'Fall back to plaintext also when somebody slipped plaintext in before TLS; else defer.',
        default: true,
        allowNo: true,
      }),
      'require-tls': Flags.boolean({
        summary:
          'Demand that the message is never passed on without TLS (REQUIRETLS); it comes back otherwise.',
      }),
      'stop-after': Flags.option({
        summary: 'Rehearse: go no further than this, and send nothing.',
        options: STAGES,
      })(),
      via: Flags.string({
        summary:
          'Hand it to this smarthost instead of the exchangers; port 587 unless given, TLS first on 465.',
        helpValue: 'HOST[:PORT]',
        helpGroup: 'SMARTHOST',
      }),
      'via-user': Flags.string({
        summary: 'Log in at the smarthost; TLS with a valid certificate is required then.',
        helpValue: 'NAME',
        helpGroup: 'SMARTHOST',
      }),
      'via-password-file': Flags.string({
        summary: 'File with the password; it is asked for otherwise.',
        helpValue: 'FILE',
        helpGroup: 'SMARTHOST',
        dependsOn: ['via-user'],
      }),
      format: formatFlag(['text', 'json', 'jsonl', ...FINDING_FORMATS, 'prometheus']),
    }),
    ...dnsFlags,
    ...smtpFlags,
    ...policyFlags,
  };

  override async run(): Promise<SendResult> {
    const { flags } = await this.parse(Send);
    const from = flags.from ?? (await this.askAddress('Envelope sender', 'from'));
    const to = flags.to ?? [await this.askAddress('Recipient', 'to')];
    const sender = from.trim() === '<>' ? null : parseMailbox(from, 'from');
    const recipients = [
      ...new Map(to.map((text) => parseMailbox(text, 'to')).map((box) => [box.address, box])).values(),
    ];
    const addresses = recipients.map(({ address }) => address);
    const raw =
      flags.file === undefined
        ? testMessage(sender?.address ?? `postmaster@${hostname()}`, addresses)
        : await readWhole(flags.file, MAX_MESSAGE);
    const asOfMs = judgeTime(flags['as-of']);
    const world = { ...smtpWorld(flags), asOfMs };
    const id = `<${randomUUID()}@${world.ehlo?.replace(/^\[.*$/, '') || hostname()}>`;
    const message = prepareMessage(raw, { id, nowMs: Date.now() });
    if (flags['require-tls'] && message.tlsOptional) throw contradiction();
    const via = flags.via === undefined ? null : await this.smarthost(flags.via, flags);
    const { dns, finish } = await openDns(flags, this.signal);
    try {
      const warn = (text: string) => this.note(line`${text}`);
      const options = {
        ...world,
        dns,
        policy: flags.policy,
        requireTls: flags['require-tls'],
        stopAfter: flags['stop-after'] ?? null,
        fallbackOnInjection: flags['fallback-on-injection'],
        via,
        tlsaPort: flags['tlsa-port'] ?? flags.port,
        mtaSts: mtaStsFinder(flags, dns, { asOfMs, signal: this.signal, warn }),
        random: Math.random,
        signal: this.signal,
      };
      const result = await deliver(sender, recipients, message, options);
      this.emit(result, { text: renderSend, figures: sendFigures });
      if (flags['fail-on-plaintext'] && wentPlain(result)) {
        this.demandNotMet();
        this.note(line`--fail-on-plaintext: it went in plaintext, hence exit 2.`);
      }
      if (result.status === 'ok') this.next('postern message path FILE (on the message as it arrived)');
      return result;
    } finally {
      finish();
    }
  }

  /** The smarthost, with the password from a file or a question: never from the command line. */
  private async smarthost(
    text: string,
    flags: {
      readonly policy: Policy;
      'via-user'?: string | undefined;
      'via-password-file'?: string | undefined;
    },
  ): Promise<Smarthost> {
    const user = flags['via-user'];
    const file = flags['via-password-file'];
    const place = parseSmarthost(text);
    if (user === undefined) return { ...place, credentials: null, level: viaLevel(flags.policy) };
    const password =
      file === undefined
        ? await ask({ message: `Password of ${user}`, flag: 'via-password-file', secret: true }, this.mayAsk)
        : readSecretFile(file);
    return { ...place, credentials: { user, password }, level: 'verify' };
  }

  private askAddress(message: string, flag: 'from' | 'to'): Promise<string> {
    const validate = (answer: string) => {
      try {
        parseMailbox(answer, flag);
        return true;
      } catch (error) {
        return (error as Error).message;
      }
    };
    return ask({ message, flag, validate }, this.mayAsk);
  }
}

/** What a policy comes to at a smarthost, whose name was given by hand. */
function viaLevel(policy: Policy): Smarthost['level'] {
  if (policy === 'opportunistic' || policy === 'encrypt' || policy === 'verify') return policy;
  throw new AppError(`--policy ${policy} does not go with --via.`, {
    code: 'E_USAGE',
    exit: ExitCode.usage,
    hint: 'Choose opportunistic, encrypt or verify: a smarthost is known by its name.',
  });
}

function contradiction(): AppError {
  return new AppError('--require-tls: the message itself says "TLS-Required: No".', {
    code: 'E_USAGE',
    exit: ExitCode.usage,
    hint: 'Take the field out of the message, or leave --require-tls out (RFC 8689 §4.1).',
  });
}

function wentPlain({ deliveries }: SendResult): boolean {
  return deliveries.some(({ status, encrypted }) => status === 'delivered' && !encrypted);
}
