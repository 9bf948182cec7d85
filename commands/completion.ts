import * as Args from '@oclif/core/args';
import type { Config } from '@oclif/core/config';
import { BaseCommand } from '../src/cli/base.ts';
import { bashCompletion } from '../src/cli/completion/bash.ts';
import { fishCompletion } from '../src/cli/completion/fish.ts';
import { completionSpec } from '../src/cli/completion/spec.ts';
import { zshCompletion } from '../src/cli/completion/zsh.ts';
import { line } from '../src/cli/text.ts';
import type { CompletionResult } from '../src/schema/completion.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

const WRITERS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;

export default class Completion extends BaseCommand {
  static override summary = 'Print the script that completes commands, flags and values in your shell.';
  static override description =
    'The script is written from the commands of this version: print it again after an update. It completes commands, ' +
    'flags, the choices of a flag, and files or host names where they are asked for; it never runs postern.';
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
    })({ required: true }),
  };

  override async run(): Promise<CompletionResult> {
    const { args } = await this.parse(Completion);
    const { EXPLANATIONS } = await import('../src/explain/index.ts');
    const spec = completionSpec(this.config as Config, { explain: [...EXPLANATIONS.keys()] });
    const script = WRITERS[args.shell](spec);
    const result = {
      target: null,
      status: 'ok' as const,
      summary: `Completion of postern for ${args.shell}.`,
      checks: [],
      shell: args.shell,
      script,
    };
    return this.emit(result, () =>
      script
        .trimEnd()
        .split('\n')
        .map((each) => line`${each}`),
    );
  }
}
