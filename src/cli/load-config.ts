import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Config } from '@oclif/core/config';
import { settings } from '@oclif/core/settings';

/**
 * oclif's view of the package.
 *
 * @param root     folder of package.json
 * @param sources  read the commands from their TypeScript files instead of the manifest and the built ones
 */
export async function loadConfig(root: string, sources: boolean): Promise<Config> {
  if (!sources) return Config.load({ root });
  const pjson = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  pjson.oclif.commands = { strategy: 'pattern', target: './commands' };
  pjson.oclif.helpClass = './src/cli/help.ts';
  settings.enableAutoTranspile = false;
  return Config.load({ root, pjson, ignoreManifest: true });
}
