import * as Args from '@oclif/core/args';
import { findBackup } from '../../src/browser/backup.ts';
import { undoDisable } from '../../src/browser/switch.ts';
import { BaseCommand } from '../../src/cli/base.ts';
import {
  backupFlags,
  backupsFolder,
  firefoxFlags,
  firefoxFor,
  surroundings,
} from '../../src/cli/browser-profile.ts';
import { renderUndone } from '../../src/cli/render/browser.ts';
import type { BrowserUndoResult } from '../../src/schema/browser.ts';

export default class BrowserUndo extends BaseCommand {
  static override summary = 'Bring back a profile as it was before "browser disable".';
  static override description =
    'Where nothing has been written since, the former files come back byte for byte; otherwise RoboForm is switched ' +
    'on, and what else changed stays. Refuses while the profile is in use.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> 20261125T081500Z-0a1b',
  ];
  static override args = {
    change: Args.string({
      description: 'The change, as "browser disable" printed it; the last one otherwise.',
      ignoreStdin: true,
    }),
  };
  static override flags = { ...firefoxFlags, ...backupFlags };

  override async run(): Promise<BrowserUndoResult> {
    const { args, flags } = await this.parse(BrowserUndo);
    const backups = backupsFolder(flags);
    const { id, folder } = findBackup(backups, args.change);
    const result = await undoDisable(id, {
      backups,
      binary: firefoxFor(folder, flags),
      surroundings: surroundings(),
      timeoutMs: flags['timeout-firefox'],
      nowMs: Date.now(),
      signal: this.signal,
    });
    return this.emit(result, renderUndone);
  }
}
