import type { Command } from '@oclif/core/command';
import { CommandHelp, Help } from '@oclif/core/help';
import { painter, wantsAscii, wantsColour } from './colour.ts';
import { renderOverview } from './overview.ts';

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
}

/** oclif's help, with our overview at the root and the exit codes under every command. */
export default class PosternHelp extends Help {
  protected override CommandHelpClass: typeof CommandHelp = PosternCommandHelp;

  override async showRootHelp(): Promise<void> {
    const colour = wantsColour('auto', process.env, process.stdout.isTTY === true);
    const paint = painter(colour, wantsAscii(process.env));
    this.log(renderOverview(this.config).map(paint).join('\n'));
  }

  override formatCommand(command: Command.Loadable): string {
    return `${super.formatCommand(command)}\n${this.section(
      'EXIT CODES',
      '0 ok, 1 warning, 2 critical, 3 could not be told; the others: "postern help exit-codes"',
    )}\n`;
  }
}
