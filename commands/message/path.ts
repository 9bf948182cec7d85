import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { readInput } from '../../src/cli/input.ts';
import { readMessage } from '../../src/cli/message-input.ts';
import { renderMessagePath } from '../../src/cli/render/path.ts';
import { describePath } from '../../src/received/path.ts';
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
    '<%= config.bin %> <%= command.id %> message.eml --trusted-by mx.example.org --trusted-ip 192.0.2.0/24',
  ];
  static override several = true;
  static override args = {
    file: Args.string({
      description: 'Message or header block; "-" is standard input.',
      multiple: true,
      ignoreStdin: true,
    }),
  };
  static override flags = withEnvironment({
    'trusted-by': Flags.string({
      summary: 'Name of one of your own mail servers, as its Received lines have it; several may be given.',
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'HOST',
    }),
    'trusted-ip': Flags.string({
      summary: 'Address or network of your own mail servers; several may be given.',
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'IP[/N]',
    }),
    parallel: Flags.integer({ summary: 'Files at a time.', default: 4, min: 1, max: 1000, helpValue: 'N' }),
    ordered: Flags.boolean({ summary: 'Print in the order of the files.', default: true, allowNo: true }),
  });

  override async run(): Promise<readonly Result[]> {
    const { args, flags } = await this.parse(MessagePath);
    const files = args.file ?? ['-'];
    if (!args.file && process.stdin.isTTY) this.note([{ text: 'Paste the headers, then Ctrl-D.' }]);
    const options = {
      nowMs: Date.now(),
      ...(flags['trusted-by'] && { trustedBy: flags['trusted-by'] }),
      ...(flags['trusted-ip'] && { trustedIps: flags['trusted-ip'] }),
    };
    return this.each(
      files,
      flags,
      async (name) => {
        const message = readMessage(name, await readInput(name, READ_BYTES));
        return describePath({ ...message, target: name }, options) satisfies MessagePathResult;
      },
      renderMessagePath,
    );
  }
}
