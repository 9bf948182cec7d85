import type { Command } from '@oclif/core/command';
import { CommandHelp, Help } from '@oclif/core/help';
import { painter, terminalColumns, wantsAscii, wantsColour } from './colour.ts';
import { renderOverview } from './overview.ts';
import { formatDuration } from './units.ts';

/** The usage in one line: the flags are listed below it anyway. */
class PosternCommandHelp extends CommandHelp {
  protected override defaultUsage(): string {
    const all = Object.values(this.command.args);
    const args = all.map(({ name, required, multiple }, index) => {
      const more = multiple || (this.command.strict === false && index === all.length - 1);
      const word = `${name.toUpperCase()}${more ? '...' : ''}`;
      return required ? word : `[${word}]`;
    });
    const flags = Object.values(this.command.flags);
    const must = flags
      .filter(({ required }) => required)
      .map(({ name }) => `--${name} ${name.toUpperCase()}`);
    return [this.command.id, ...args, ...must, '[FLAGS]'].join(' ');
  }

  /** What it does and how it is called come first: the flags of some commands fill a screen. */
  protected override sections(): ReturnType<CommandHelp['sections']> {
    const first = ['USAGE', 'DESCRIPTION', 'EXAMPLES'];
    const sections = super.sections();
    return [
      ...sections.filter(({ header }) => first.includes(header)).sort(byPlace(first)),
      ...sections.filter(({ header }) => !first.includes(header)),
    ];
  }

  /** Without the summary, which stands at the top of the page. */
  protected override description(): string | undefined {
    const { description = '' } = this.command;
    return description === '' ? undefined : this.wrap(description);
  }

  /** Of several arguments only the last one may be many, whatever oclif says of a command that takes more words. */
  protected override args(args: Command.Arg.Any[]): [string, string | undefined][] | undefined {
    return super
      .args(args)
      ?.map(([name, text], index) => [index < args.length - 1 ? name.replace('...', '') : name, text]);
  }

  /** One below the other: empty lines between them would push the flags away. */
  protected override examples(examples: Command.Example[] | string | undefined): string | undefined {
    const width = this.opts.maxWidth - this.indentSpacing;
    return super
      .examples(examples)
      ?.replace(/\n\n(?= *\$ )/g, '\n')
      .split('\n')
      .map((each) => continued(each, width))
      .join('\n');
  }

  /** Choices as words, which can be wrapped, and durations as they are typed. */
  protected override flags(flags: Command.Flag.Any[]): [string, string | undefined][] | undefined {
    return super.flags(flags.map(readable));
  }
}

/** A word of a command, with what is quoted in it. */
const SHELL_WORD = /(?:"[^"]*"|'[^']*'|[^\s"'])+/g;

/** A command that is broken as a shell takes it up again, so that it can still be copied. */
function continued(command: string, width: number): string {
  if (!command.startsWith('$ ') || command.length <= width) return command;
  const lines: string[] = [];
  let current = '';
  for (const word of command.match(SHELL_WORD) ?? []) {
    if (current !== '' && current.length + word.length + 3 > width) {
      lines.push(`${current} \\`);
      current = `      ${word}`;
    } else current = current === '' ? word : `${current} ${word}`;
  }
  return [...lines, current].join('\n');
}

function byPlace(names: readonly string[]): (a: { header: string }, b: { header: string }) => number {
  return (a, b) => names.indexOf(a.header) - names.indexOf(b.header);
}

function readable(flag: Command.Flag.Any): Command.Flag.Any {
  if (flag.type !== 'option') return flag;
  const { summary = '', options, helpValue, default: value } = flag;
  return {
    ...flag,
    ...(options && { summary: `${summary} One of: ${options.join(', ')}.`, helpValue: helpValue ?? 'WORD' }),
    ...(helpValue === 'DURATION' && typeof value === 'number' && { default: formatDuration(value) }),
  };
}

/** oclif's help, with our overview at the root and the exit codes under every command. */
export default class PosternHelp extends Help {
  protected override CommandHelpClass: typeof CommandHelp = PosternCommandHelp;

  override async showRootHelp(): Promise<void> {
    const colour = wantsColour('auto', process.env, process.stdout.isTTY === true);
    const paint = painter(colour, wantsAscii(process.env));
    this.log(renderOverview(this.config, terminalColumns()).map(paint).join('\n'));
  }

  override formatCommand(command: Command.Loadable): string {
    const codes = this.wrap(
      '0 ok, 1 warning, 2 critical, 3 could not be told; the others: "postern help exit-codes"',
    );
    return `${super.formatCommand(command).trimEnd()}\n\n${this.section('EXIT CODES', codes)}\n`;
  }
}
