import * as Args from '@oclif/core/args';
import type { Config } from '@oclif/core/config';
import { BaseCommand } from '../src/cli/base.ts';
import { painter } from '../src/cli/colour.ts';
import { HELP_TOPICS, pageAbout } from '../src/cli/help-topics.ts';
import { renderOverview } from '../src/cli/overview.ts';
import { showHelp } from '../src/cli/show-help.ts';
import type { Line } from '../src/cli/text.ts';
import { findCalled } from '../src/cli/unknown-command.ts';
import { AppError, ExitCode } from '../src/errors.ts';
import type { HelpResult } from '../src/schema/help.ts';

export default class Help extends BaseCommand {
  static override summary = 'Explain a command, or what holds for all: exit-codes, environment, output.';
  static override examples = ['<%= config.bin %> help mx probe', '<%= config.bin %> help exit-codes'];
  static override args = {
    subject: Args.string({
      description: 'Command or page (exit-codes, environment, output).',
      multiple: true,
      ignoreStdin: true,
    }),
  };

  override async run(): Promise<HelpResult | undefined> {
    const { args } = await this.parse(Help);
    const subject = args.subject?.join(' ') ?? '';
    if (subject === '') return this.emitPage(subject, (columns) => renderOverview(this.config, columns));
    const topic = HELP_TOPICS.get(subject);
    if (topic) return this.emitPage(subject, topic.page);
    const called = findCalled(this.config as Config, args.subject ?? []);
    if (called.kind === 'unknown') throw aboutPage(subject) ?? called.error;
    if (!this.isText) return this.emitPage(subject, () => this.describe(subject));
    await showHelp(this.config, args.subject ?? []);
    return undefined;
  }

  private emitPage(subject: string, page: (columns: number) => readonly Line[]): HelpResult {
    const plain = painter(false, false);
    const result = {
      target: subject,
      status: 'ok' as const,
      summary: `Help for ${subject === '' ? 'postern' : subject}.`,
      checks: [],
      text: page(Number.POSITIVE_INFINITY).map(plain),
    };
    return this.emit(result, (_, columns) => page(columns));
  }

  /** Summary and flags of a command, or the commands of a topic, for scripts. */
  private describe(subject: string): Line[] {
    const id = subject.replaceAll(' ', ':');
    const found = this.config.findCommand(id);
    const flags = Object.values(found?.flags ?? {}).map(({ name, summary }) => [
      { text: `--${name}${summary ? `: ${summary}` : ''}` },
    ]);
    const below = this.config.commands
      .filter((command) => command.id.startsWith(`${id}:`))
      .map((command) => [{ text: `${command.id.replaceAll(':', ' ')}: ${command.summary ?? ''}` }]);
    return [...(found?.summary ? [[{ text: found.summary }]] : []), ...flags, ...below];
  }
}

/** Something that is no command, but is told on a page. */
function aboutPage(subject: string): AppError | undefined {
  const page = pageAbout(subject);
  if (page === undefined) return undefined;
  return new AppError(`There is no command '${subject}'.`, {
    code: 'E_UNKNOWN_COMMAND',
    exit: ExitCode.unknownCommand,
    hint: `"postern help ${page}" tells about it.`,
  });
}
