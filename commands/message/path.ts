import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { readBatch, stringField } from '../../src/cli/batch.ts';
import {
  dnsFlags,
  duration,
  FINDING_FORMATS,
  formatFlag,
  ownServerFlags,
  withEnvironment,
} from '../../src/cli/flags.ts';
import { readInputSync } from '../../src/cli/input.ts';
import { readMessage } from '../../src/cli/message-input.ts';
import { messageSources } from '../../src/cli/message-sources.ts';
import { renderMessagePath, renderOneOfSeveral } from '../../src/cli/render/path.ts';
import type { openDns } from '../../src/cli/world.ts';
import { AppError, ExitCode } from '../../src/errors.ts';
import { applyDemands, expectQueueId, parseDemands } from '../../src/received/demands.ts';
import { describePath, type PathOptions } from '../../src/received/path.ts';
import { redactPath } from '../../src/received/redact.ts';
import type { MessagePath as Result } from '../../src/received/types.ts';
import type { MessagePathResult } from '../../src/schema/message-path.ts';

/** The header section is read up to 1 MiB; a little of the body tells of PGP and S/MIME. */
const READ_BYTES = 1024 * 1024 + 64 * 1024;

export default class MessagePath extends BaseCommand {
  static override summary = 'Say hop by hop which way a message came, and where it was encrypted.';
  static override description =
    'Reads the Received lines of a message, or of pasted headers. Only what your own mail system wrote can be ' +
    'believed: the line where the message entered it tells from whom it came and whether that was encrypted; ' +
    'everything below is what the sender claims. Works offline.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> message.eml',
    '<%= config.bin %> <%= command.id %> - < headers.txt',
    '<%= config.bin %> <%= command.id %> *.eml --json',
    '<%= config.bin %> <%= command.id %> message.eml --format html --redact --output ticket.html',
    '<%= config.bin %> <%= command.id %> message.eml --fail-if plaintext,tls-below=1.2,delay-over=1h',
    '<%= config.bin %> <%= command.id %> message.eml --trusted-by mx.example.org --trusted-ip 192.0.2.0/24',
  ];
  static override several = true;
  static override targets = 'file' as const;
  static override args = {
    file: Args.string({
      description: 'Message or header block; "-" is standard input.',
      multiple: true,
      ignoreStdin: true,
    }),
  };
  static override flags = {
    ...withEnvironment({
      ...ownServerFlags,
      mx: Flags.string({
        summary: 'Trust the exchangers of your own domain; this asks the DNS for them.',
        helpValue: 'DOMAIN',
      }),
      'fail-if': Flags.string({
        summary: 'Exit with 2 if there is: plaintext, tls-below=1.2, delay-over=1h (a list).',
        helpValue: 'LIST',
      }),
      expect: Flags.string({
        summary: 'Look for the queue id that "postern send" printed; exit with 2 if no hop has it.',
        helpValue: 'ID',
      }),
      redact: Flags.boolean({ summary: 'Replace mailbox names, ids and inside addresses, for a ticket.' }),
      batch: Flags.string({
        summary: 'Read cases {"id", "file"} from JSON Lines and print a row each, with its id.',
        helpValue: 'FILE',
      }),
      received: Flags.boolean({ summary: 'The inputs are bare bodies of Received fields, one each.' }),
      format: formatFlag(['text', 'json', 'jsonl', ...FINDING_FORMATS, 'sarif', 'html']),
      parallel: Flags.integer({ summary: 'Files at a time.', default: 4, min: 1, max: 1000, helpValue: 'N' }),
      ordered: Flags.boolean({ summary: 'Print in the order of the files.', default: true, allowNo: true }),
      'timeout-dns': duration({ summary: 'Wait for one DNS answer.', default: 5000, helpGroup: 'TIME-OUT' }),
    }),
    ...dnsFlags,
  };

  override async run(): Promise<readonly Result[]> {
    const { args, flags } = await this.parse(MessagePath);
    const options: PathOptions = {
      nowMs: Date.now(),
      ...(flags['trusted-by'] && { trustedBy: flags['trusted-by'] }),
      ...(flags['trusted-ip'] && { trustedIps: flags['trusted-ip'] }),
      ...(flags.mx !== undefined && { mxHosts: await this.exchangersOf(flags.mx, flags) }),
    };
    const demands = flags['fail-if'] === undefined ? [] : parseDemands(flags['fail-if']);
    const judge = (path: Result): Result => {
      const demanded = demands.length === 0 ? path : applyDemands(path, demands);
      const expected = flags.expect === undefined ? demanded : expectQueueId(demanded, flags.expect);
      return flags.redact ? redactPath(expected) : expected;
    };
    const read = (name: string, bytes: Buffer): Result => {
      const message = flags.received ? bareField(bytes) : readMessage(name, bytes);
      const { fields, truncated, body } = message;
      return judge(
        describePath({ fields, truncated, body, target: name }, options),
      ) satisfies MessagePathResult;
    };
    if (flags.batch !== undefined) return this.runBatch(flags.batch, read);
    if (!args.file && process.stdin.isTTY) this.note([{ text: 'Paste the headers, then Ctrl-D.' }]);
    const sources = await messageSources(args.file ?? ['-'], READ_BYTES);
    if (this.format === 'html' && sources.length > 1) throw oneOnly();
    const documents = await import('../../src/cli/render/path-documents.ts');
    const several = sources.length > 1;
    return this.each(
      sources,
      flags,
      async (source) => read(source.name, await source.read()),
      {
        text: several ? renderOneOfSeveral : renderMessagePath,
        markdown: several ? documents.oneOfSeveralMarkdown : documents.pathMarkdown,
        html: documents.pathHtml,
      },
      ({ name }) => name,
    );
  }

  /** A row a case, in order; one after the other, as nothing is waited for. */
  private async runBatch(
    file: string,
    read: (name: string, bytes: Buffer) => Result,
  ): Promise<readonly Result[]> {
    const { cases, pathOf } = await readBatch(file);
    this.beginRows({ fast: true });
    for (const each of cases) {
      this.signal.throwIfAborted();
      try {
        const name = stringField(each, 'file');
        this.emit(read(name, readInputSync(pathOf(name), READ_BYTES)), renderOneOfSeveral, each.id);
      } catch (error) {
        this.emitFailure(each.id, error, each.id);
      }
    }
    return [];
  }

  private async exchangersOf(
    domain: string,
    flags: Parameters<typeof openDns>[0],
  ): Promise<readonly string[]> {
    const { openDns: open } = await import('../../src/cli/world.ts');
    const { ownExchangers } = await import('../../src/mx/own.ts');
    const { dns, finish } = await open(flags, this.signal);
    try {
      return await ownExchangers(domain, dns);
    } finally {
      finish();
    }
  }
}

/** The body of one Received field, as a header with nothing else. */
function bareField(bytes: Buffer) {
  const rawValue = bytes.toString('utf8').replace(/\r?\n$/, '');
  const value = rawValue.replace(/\r?\n(?=[ \t])/g, '').trim();
  return {
    fields: [{ name: 'Received', value, rawValue, range: [0, bytes.length] as const }],
    truncated: false,
    body: undefined,
  };
}

function oneOnly(): AppError {
  return new AppError('--format html: there is more than one message.', {
    code: 'E_FORMAT',
    exit: ExitCode.usage,
    hint: 'Give one file, or use markdown, which has no end.',
  });
}
