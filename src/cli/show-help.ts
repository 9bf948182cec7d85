import type { Interfaces } from '@oclif/core';
import { loadHelpClass } from '@oclif/core/help';

/**
 * Print the help page of a command or topic, or of the program when no word is given.
 *
 * @param words  what was asked about; has been found to exist, further words may follow
 */
export async function showHelp(config: Interfaces.Config, words: readonly string[]): Promise<void> {
  const Help = await loadHelpClass(config);
  const help = new Help(config, config.pjson.oclif.helpOptions);
  for (let length = words.length; length > 0; length--) {
    const command = config.findCommand(words.slice(0, length).join(':'));
    if (command) return help.showCommandHelp(command, []);
  }
  await help.showHelp([...words]);
}
