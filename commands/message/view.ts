import type { Interfaces } from '@oclif/core';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import type { MarkWorld } from '../../src/bimi/indicator.ts';
import { type CheckOptions, checkMessage } from '../../src/check/check.ts';
import { BaseCommand, judgeTime } from '../../src/cli/base.ts';
import { describeFailure } from '../../src/cli/failure.ts';
import {
  dnsFlags,
  duration,
  FINDING_FORMATS,
  formatFlag,
  markFlags,
  ownServerFlags,
  trustFlags,
  withEnvironment,
} from '../../src/cli/flags.ts';
import { LOGO_CHOICES, logoProtocol } from '../../src/cli/logo-protocol.ts';
import { markKey, readLogos } from '../../src/cli/logos.ts';
import { checkInput, READ_BYTES } from '../../src/cli/message-check-input.ts';
import { type MessageSource, messageSources } from '../../src/cli/message-sources.ts';
import { openDns } from '../../src/cli/open-dns.ts';
import { mapParallel } from '../../src/cli/parallel.ts';
import { renderMessageView } from '../../src/cli/render/view.ts';
import { folderOfList, openKnowledge } from '../../src/cli/trust-sources.ts';
import { trustStore } from '../../src/cli/trust-store.ts';
import type { Resolver } from '../../src/dns/types.ts';
import type { Check } from '../../src/report.ts';
import type { MessageViewResult, ViewedMessage } from '../../src/schema/message-view.ts';
import { BODY_LIMITS, type BodyLimits, readBody } from '../../src/view/body.ts';
import { describeView } from '../../src/view/mailbox.ts';
import { unreadable, viewMessage, viewPage } from '../../src/view/message.ts';

type ViewFlags = Interfaces.InferredFlags<typeof MessageView.flags>;

/** Of a message among others: a mailbox is to stay one file that a browser opens at once. */
const LIMITS_AMONG_OTHERS: BodyLimits = { bytes: 5_000_000, characters: 60_000, images: 300_000 };
/** A mailbox of no more messages has their pages in it without being asked. */
const FEW = 200;
/** Characters of all pages of a mailbox together. */
const ALL_PAGES = 8_000_000;

export default class MessageView extends BaseCommand {
  static override summary = 'Show a mailbox or a message, with trusted senders on green.';
  static override description =
    'Checks each message as "message check" does, and shows what came of it as a mail program would: a list with ' +
    'company names and logos, or one message with the box under its subject. Only what a list of trusted domains ' +
    'says stands on green, never a word of the message. With --format html it is one file that loads nothing and ' +
    'runs nothing; the HTML of a sender lies in it in a closed frame.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> message.eml --registry trusted.json',
    '<%= config.bin %> <%= command.id %> inbox.mbox --registry trusted.json',
    '<%= config.bin %> <%= command.id %> ~/Maildir --registry trusted.json --format html --output inbox.html',
    '<%= config.bin %> <%= command.id %> examples/trust/*.eml --registry examples/trust/local.json --dns-cache examples/trust/dns.json --offline',
    '<%= config.bin %> <%= command.id %> - --explain < message.eml',
  ];
  static override targets = 'file' as const;
  static override args = {
    file: Args.string({
      description: 'Message, mailbox (mbox) or folder (Maildir); "-" is standard input.',
      multiple: true,
      ignoreStdin: true,
    }),
  };
  static override flags = {
    ...withEnvironment({
      'as-of': Flags.string({
        summary: 'Judge expiry as of this time (ISO 8601) instead of when a message came in.',
        helpValue: 'TIME',
      }),
      ...ownServerFlags,
      explain: Flags.boolean({ summary: 'Tell the reasons of every verdict.' }),
      pages: Flags.boolean({
        summary: 'Put the messages themselves into the HTML of a mailbox; the default is yes, up to 200.',
        allowNo: true,
      }),
      logos: Flags.option({
        summary:
          'Draw logos on the terminal, by the protocol of kitty, of iTerm2, or in sixels; auto takes what the terminal is known for.',
        options: LOGO_CHOICES,
      })(),
      format: formatFlag(['text', 'json', 'html', ...FINDING_FORMATS]),
      parallel: Flags.integer({
        summary: 'Messages at a time.',
        default: 4,
        min: 1,
        max: 1000,
        helpValue: 'N',
      }),
      'timeout-dns': duration({ summary: 'Wait for one DNS answer.', default: 5000, helpGroup: 'TIME-OUT' }),
    }),
    ...trustFlags,
    ...markFlags,
    ...dnsFlags,
  };

  override async run(): Promise<MessageViewResult> {
    const { args, flags } = await this.parse(MessageView);
    if (!args.file && process.stdin.isTTY) this.note([{ text: 'Paste the message, then Ctrl-D.' }]);
    const names = args.file ?? ['-'];
    const sources = await messageSources(names, READ_BYTES);
    const knowledge = await openKnowledge(flags.registry, this.config.root, flags.grace);
    const { dns, finish } = await openDns(flags, this.signal);
    try {
      const options: CheckOptions = {
        ...optionsOf(flags),
        dns,
        knowledge,
        ...(flags.bimi && { marks: await this.marksFor(flags, dns) }),
      };
      const marks = new Map<string, string>();
      const { messages, notes } = await this.viewAll(sources, options, flags, marks);
      const companies = messages.flatMap(({ company }) => (company === null ? [] : [company]));
      const beside = await folderOfList(flags.registry);
      const logos = await readLogos(companies, knowledge.registries, beside, trustStore().logos.folder);
      const target = names.length === 1 ? (names[0] ?? null) : null;
      const result = describeView(target, messages, [...notes, ...logos.notes]);
      const protocol =
        this.format === 'text' && flags.output === undefined
          ? logoProtocol(flags.logos, process.env, process.stdout.isTTY === true)
          : null;
      const shown = new Map([...logos.byCompany, ...marks]);
      const pictures =
        protocol === null
          ? new Map()
          : (await import('../../src/cli/pictures.ts')).drawLogos(shown, protocol);
      const documents = await import('../../src/cli/render/view-html.ts');
      return this.emit(result, {
        text: (view, columns) => renderMessageView(view, columns, { explain: flags.explain, pictures }),
        html: (view) =>
          documents.viewHtml(view, {
            logos: shown,
            explain: flags.explain,
          }),
      });
    } finally {
      finish();
    }
  }

  /** Loaded only where somebody asks: most never do. */
  private async marksFor(flags: ViewFlags, dns: Resolver): Promise<MarkWorld> {
    const { openMarks } = await import('../../src/cli/marks.ts');
    return openMarks(flags, { root: this.config.root, dns, signal: this.signal });
  }

  private async viewAll(
    sources: readonly MessageSource[],
    options: CheckOptions,
    flags: ViewFlags,
    marks: Map<string, string>,
  ): Promise<{ readonly messages: readonly ViewedMessage[]; readonly notes: readonly Check[] }> {
    const [only] = sources;
    if (sources.length === 1 && only) {
      return { messages: [await viewSource(only, options, BODY_LIMITS, marks)], notes: [] };
    }
    const wanted = flags.pages ?? (this.format === 'html' && sources.length <= FEW);
    const limits = wanted ? LIMITS_AMONG_OTHERS : null;
    const messages: ViewedMessage[] = [];
    const pages = new Budget(ALL_PAGES);
    const several = { parallel: flags.parallel, ordered: true, signal: this.signal };
    await mapParallel(
      sources,
      several,
      (source) => viewSource(source, options, limits, marks),
      (source, outcome) => {
        if ('error' in outcome) {
          const { message } = describeFailure(outcome.error, 'postern message view');
          messages.push(unreadable(source.name, message));
        } else messages.push(pages.take(outcome.value));
      },
    );
    this.signal.throwIfAborted();
    return { messages, notes: pages.notes() };
  }
}

/**
 * @param limits  of the body; null leaves the page out
 * @param marks   takes the logos that certificates prove
 */
async function viewSource(
  source: MessageSource,
  options: CheckOptions,
  limits: BodyLimits | null,
  marks: Map<string, string>,
): Promise<ViewedMessage> {
  const bytes = await source.read();
  const input = checkInput(source.name, bytes);
  const check = await checkMessage(input, options);
  const message = viewMessage(source.name, check, input.header, bytes.length);
  const logo = check.bimi?.mark?.logo;
  if (message.mark !== null && logo !== undefined) marks.set(markKey(message.mark), logo.dataUri);
  if (limits === null) return message;
  const body = input.header.bodyStart === null ? null : await readBody(bytes, limits);
  return { ...message, page: viewPage(check, input.header, body) };
}

/** What the pages of a mailbox may take together; those that come later have none. */
class Budget {
  private left: number;
  private without = 0;

  constructor(characters: number) {
    this.left = characters;
  }

  take(message: ViewedMessage): ViewedMessage {
    if (message.page === null) return message;
    const { text, html } = message.page.body ?? {};
    this.left -= (text ?? '').length + (html ?? '').length;
    if (this.left >= 0) return message;
    this.without += 1;
    return { ...message, page: null };
  }

  notes(): readonly Check[] {
    if (this.without === 0) return [];
    const message = `${this.without} messages are in the list alone: with their text the file would be too large.`;
    return [{ id: 'view.pages', status: 'ok', info: true, message }];
  }
}

function optionsOf(flags: ViewFlags): Omit<CheckOptions, 'dns' | 'knowledge'> {
  return {
    recipient: null,
    asOfMs: flags['as-of'] === undefined ? null : judgeTime(flags['as-of']),
    nowMs: Date.now(),
    bimi: flags.bimi,
    policy: { force: flags.force, strictReplay: flags['strict-replay'] },
    liveDns: !flags.offline && flags['dns-cache'] === undefined,
    given: {},
    ...(flags['trusted-by'] && { trustedBy: flags['trusted-by'] }),
    ...(flags['trusted-ip'] && { trustedIps: flags['trusted-ip'] }),
  };
}
