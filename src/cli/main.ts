import type { Config } from '@oclif/core/config';
import { jsonWanted, tellFailure } from './base.ts';
import { painter, terminalColumns, wantsAscii, wantsColour } from './colour.ts';
import { describeFailure } from './failure.ts';
import { loadConfig } from './load-config.ts';
import { flushed } from './output.ts';
import { renderOverview } from './overview.ts';
import { findCalled, flagsFirst } from './unknown-command.ts';

/** How long the process may linger after its result is out, in milliseconds, should something hold it. */
const LINGER_MS = 3000;

async function dispatch(config: Config, argv: readonly string[]): Promise<void> {
  if (argv.length === 0) {
    const colour = wantsColour('auto', process.env, process.stdout.isTTY === true);
    const lines = renderOverview(config, terminalColumns()).map(painter(colour, wantsAscii(process.env)));
    process.stdout.write(`${lines.join('\n')}\n`);
    return;
  }
  const called = findCalled(config, argv);
  if (called.kind === 'unknown') throw called.error;
  const end = argv.indexOf('--');
  const wantsHelp = (end === -1 ? argv : argv.slice(0, end)).some((arg) => arg === '--help' || arg === '-h');
  if (called.kind === 'command' && !wantsHelp) {
    await config.runCommand(called.id, [...called.argv]);
    return;
  }
  const misplaced = called.kind === 'nothing' && !wantsHelp ? flagsFirst(config, argv) : undefined;
  if (misplaced) throw misplaced;
  // Help pages and their libraries are loaded for those who ask for them.
  const { showHelp } = await import('./show-help.ts');
  if (called.kind === 'nothing' && !wantsHelp) await config.runCommand('help', [...argv]);
  else
    await showHelp(
      config,
      argv.filter((arg) => !arg.startsWith('-')),
    );
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
