import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { settingsOf, settingsSet } from '../../src/cli/config-show.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { loadKnownFlags } from '../../src/cli/known-flags.ts';
import { didYouMean, suggestions } from '../../src/cli/nearest.ts';
import { renderConfigShow } from '../../src/cli/render/config.ts';
import { type ConfigFile, configFiles, readConfigFile } from '../../src/cli/settings.ts';
import { AppError, ExitCode } from '../../src/errors.ts';
import type { ConfigShowResult } from '../../src/schema/config.ts';

export default class ConfigShow extends BaseCommand {
  static override summary = 'Show what the environment and the configuration files set, and where.';
  static override description =
    'Without a command: all that is set, by variables and in files. With one: each of its flags with the value it ' +
    'has when it is not typed.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --origin',
    '<%= config.bin %> <%= command.id %> mx probe --origin',
  ];
  static override configured = false;
  static override args = {
    command: Args.string({ description: 'Command, such as mx probe.', multiple: true, ignoreStdin: true }),
  };
  static override flags = withEnvironment({
    origin: Flags.boolean({ summary: 'Tell of each value where it comes from.' }),
  });

  override async run(): Promise<ConfigShowResult> {
    const { args, flags } = await this.parse(ConfigShow);
    const known = await loadKnownFlags(this.config);
    const places = configFiles(process.env, flags.config);
    const read = places.map(({ file, required }) => readConfigFile(file, required));
    const files = read.filter((each): each is ConfigFile => each !== undefined);
    const command = args.command?.join(' ');
    const settings =
      command === undefined
        ? settingsSet(known, files, process.env, flags.config)
        : settingsOf(
            command,
            known.get(command) ?? unknownCommand(command, [...known.keys()]),
            process.env,
            flags.config,
          );
    const result: ConfigShowResult = {
      target: command ?? null,
      status: 'ok',
      summary: `${settings.length} settings, from ${files.length} configuration ${files.length === 1 ? 'file' : 'files'}.`,
      checks: [],
      files: places.map(({ file }, index) => ({ file, found: read[index] !== undefined })),
      settings,
    };
    return this.emit(result, (shown, columns) => renderConfigShow(shown, columns, flags.origin));
  }
}

function unknownCommand(name: string, known: readonly string[]): never {
  throw new AppError(`There is no command '${name}'.`, {
    code: 'E_UNKNOWN_COMMAND',
    exit: ExitCode.usage,
    hint: didYouMean(suggestions(name, known)) ?? '"postern" alone lists the commands.',
  });
}
