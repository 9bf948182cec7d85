import * as Args from '@oclif/core/args';
import type { Config } from '@oclif/core/config';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/base.ts';
import { bashCompletion } from '../src/cli/completion/bash.ts';
import { fishCompletion } from '../src/cli/completion/fish.ts';
import { completionSpec, STORED, type Stored } from '../src/cli/completion/spec.ts';
import { zshCompletion } from '../src/cli/completion/zsh.ts';
import { withEnvironment } from '../src/cli/flags.ts';
import { line } from '../src/cli/text.ts';
import { AppError, ExitCode } from '../src/errors.ts';
import type { CompletionResult } from '../src/schema/completion.ts';
import { PRESET_NAMES } from '../src/throttle/limits.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

const WRITERS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;

/** What each result has, and what only one kind of it has. */
const BARE = { target: null, status: 'ok' as const, checks: [], shell: null, script: null, words: null };

export default class Completion extends BaseCommand {
  static override summary = 'Print the script that completes commands, flags and values in your shell.';
  static override description =
    'The script is written from the commands of this version: print it again after an update. It completes commands, ' +
    'flags, the choices of a flag, files and host names, and asks postern for names that only this machine knows: ' +
    'logins, sites, clients, entries of a mediator, profiles, and the domains that you decided about.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> bash > ~/.local/share/bash-completion/completions/postern',
    '<%= config.bin %> <%= command.id %> zsh > ~/.zfunc/_postern',
    '<%= config.bin %> <%= command.id %> fish > ~/.config/fish/completions/postern.fish',
  ];
  static override args = {
    shell: Args.option({
      description: 'Which shell.',
      options: SHELLS,
      ignoreStdin: true,
    })(),
  };
  static override flags = withEnvironment({
    values: Flags.option({
      summary: 'Print the names of one kind that are known on this machine, as the scripts ask for them.',
      options: STORED,
      helpValue: 'KIND',
    })(),
  });

  override async run(): Promise<CompletionResult> {
    const { args, flags } = await this.parse(Completion);
    if (flags.values !== undefined) return this.printValues(flags.values);
    if (args.shell !== undefined) return this.printScript(args.shell);
    throw new AppError(`SHELL is missing: ${SHELLS.join(', ')}.`, {
      code: 'E_USAGE',
      exit: ExitCode.usage,
      hint: '"postern completion --help" tells where the script goes.',
    });
  }

  private async printScript(shell: (typeof SHELLS)[number]): Promise<CompletionResult> {
    const { EXPLANATIONS } = await import('../src/explain/index.ts');
    const dynamic = { explain: [...EXPLANATIONS.keys()], 'throttle:policy:set': PRESET_NAMES };
    const script = WRITERS[shell](completionSpec(this.config as Config, dynamic));
    const summary = `Completion of postern for ${shell}.`;
    return this.emit({ ...BARE, summary, shell, script }, () =>
      script
        .trimEnd()
        .split('\n')
        .map((each) => line`${each}`),
    );
  }

  private async printValues(kind: Stored): Promise<CompletionResult> {
    const { storedNames } = await import('../src/cli/completion/stored.ts');
    const words = await storedNames(kind);
    const summary = `Names of the kind ${kind}: ${words.length}.`;
    return this.emit({ ...BARE, summary, words }, () =>
      words.map(({ word, about }) => line`${word} ${about}`),
    );
  }
}
