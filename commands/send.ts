import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import * as Flags from '@oclif/core/flags';
import { BaseCommand, judgeTime } from '../src/cli/base.ts';
import { dnsFlags, FINDING_FORMATS, formatFlag, smtpFlags, withEnvironment } from '../src/cli/flags.ts';
import { readWhole } from '../src/cli/input.ts';
import { ask } from '../src/cli/prompt.ts';
import { renderSend, sendFigures } from '../src/cli/render/send.ts';
import { line } from '../src/cli/text.ts';
import { openDns, smtpWorld } from '../src/cli/world.ts';
import type { SendResult } from '../src/schema/send.ts';
import { POLICIES } from '../src/send/attempt.ts';
import { deliver } from '../src/send/deliver.ts';
import { parseMailbox } from '../src/send/mailbox.ts';
import { prepareMessage, testMessage } from '../src/send/message.ts';

/** Largest message that is sent, in bytes. */
const MAX_MESSAGE = 50_000_000;

export default class Send extends BaseCommand {
  static override summary = 'Deliver one message to its exchangers, and say which way it went.';
  static override description =
    'Encrypts when the server offers STARTTLS. If the negotiation fails for any reason, the message is ' +
    'delivered in plaintext over a new connection, and that is said. With --policy encrypt it is not sent in ' +
    'plaintext. Nothing is queued: what is deferred is told, and can be sent again. Without --file a short test ' +
    'message is sent.';
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
        summary:
          'Encrypt when possible; or never send plaintext (encrypt), or only to a valid certificate for the exchanger ' +
          '(verify) or for the domain (secure).',
        options: POLICIES,
        default: 'opportunistic' as const,
      })(),
      'fail-on-plaintext': Flags.boolean({
        summary: 'Exit with 2 when it was delivered in plaintext (it is delivered all the same).',
      }),
      format: formatFlag(['text', 'json', 'jsonl', ...FINDING_FORMATS, 'prometheus']),
    }),
    ...dnsFlags,
    ...smtpFlags,
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
    const world = { ...smtpWorld(flags), asOfMs: judgeTime(flags['as-of']) };
    const id = `<${randomUUID()}@${world.ehlo?.replace(/^\[.*$/, '') || hostname()}>`;
    const message = prepareMessage(raw, { id, nowMs: Date.now() });
    const { dns, finish } = await openDns(flags, this.signal);
    try {
      const options = { ...world, dns, policy: flags.policy, random: Math.random, signal: this.signal };
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

function wentPlain({ deliveries }: SendResult): boolean {
  return deliveries.some(({ status, encrypted }) => status === 'delivered' && !encrypted);
}
