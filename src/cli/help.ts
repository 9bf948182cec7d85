import type { Command } from '@oclif/core/command';
import { CommandHelp, Help } from '@oclif/core/help';
import { painter, terminalColumns, wantsAscii, wantsColour } from './colour.ts';
import { renderOverview } from './overview.ts';
import { formatDuration } from './units.ts';

/** The usage in one line: the flags are listed below it anyway. */
class PosternCommandHelp extends CommandHelp {
  protected override defaultUsage(): string {
    const args = Object.values(this.command.args).map(({ name, required, multiple }) => {
      const word = `${name.toUpperCase()}${multiple ? '...' : ''}`;
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

  /** A line each: the empty lines between would push the flags away. */
  protected override examples(examples: Command.Example[] | string | undefined): string | undefined {
    return super.examples(examples)?.replace(/\n\n(?= *\$ )/g, '\n');
  }

  /** Choices as words, which can be wrapped, and durations as they are typed. */
  protected override flags(flags: Command.Flag.Any[]): [string, string | undefined][] | undefined {
    return super.flags(flags.map(readable));
  }
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
