import { type Command, Help } from '@oclif/core';
import { painter, wantsAscii, wantsColour } from './colour.ts';
import { renderOverview } from './overview.ts';

/** oclif's help, with our overview at the root and the exit codes under every command. */
export default class PosternHelp extends Help {
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
