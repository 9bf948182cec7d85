import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Config, run, settings } from '@oclif/core';
import { jsonWanted, tellFailure } from './base.ts';
import { painter, wantsAscii, wantsColour } from './colour.ts';
import { describeFailure } from './failure.ts';
import { flushed } from './output.ts';
import { renderOverview } from './overview.ts';
import { unknownCommand } from './unknown-command.ts';

/** How long the process may linger after its result is out, in milliseconds, should something hold it. */
const LINGER_MS = 3000;

/** oclif's view of the package; from the sources, it is pointed at the commands themselves. */
async function loadConfig(root: string, sources: boolean): Promise<Config> {
  if (!sources) return Config.load({ root });
  const pjson = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  pjson.oclif.commands = { strategy: 'pattern', target: './commands' };
  pjson.oclif.helpClass = './src/cli/help.ts';
  settings.enableAutoTranspile = false;
  return Config.load({ root, pjson, ignoreManifest: true });
}

async function dispatch(config: Config, argv: readonly string[]): Promise<void> {
  if (argv.length === 0) {
    const colour = wantsColour('auto', process.env, process.stdout.isTTY === true);
    const lines = renderOverview(config).map(painter(colour, wantsAscii(process.env)));
    process.stdout.write(`${lines.join('\n')}\n`);
    return;
  }
  const unknown = unknownCommand(config, argv);
  if (unknown) throw unknown;
  await run([...argv], config);
}

/**
 * Run the command line. Sets `process.exitCode`; never throws.
 *
 * @param root folder of package.json
 * @param sources run the TypeScript files instead of the built ones
 */
export async function main(root: string, argv: readonly string[], { sources = false } = {}): Promise<void> {
  let version = '';
  try {
    const config = await loadConfig(root, sources);
    version = config.version;
    await dispatch(config, argv);
  } catch (error) {
    const failure = describeFailure(error, 'postern');
    process.exitCode = failure.exit;
    tellFailure(failure, error, jsonWanted(argv, process.env), { name: 'postern', version });
  }
  await flushed();
  setTimeout(() => process.exit(), LINGER_MS).unref();
}
