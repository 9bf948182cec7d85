import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { restoreBackup } from '../../../src/browser/backups.ts';
import { BaseCommand } from '../../../src/cli/base.ts';
import {
  backupProfileFlags,
  davFor,
  decryptFlags,
  launchFor,
  readAgeFrom,
} from '../../../src/cli/browser-backup.ts';
import { renderRestored } from '../../../src/cli/render/browser-backup.ts';
import type { BrowserBackupRestoreResult } from '../../../src/schema/browser.ts';

export default class BrowserBackupRestore extends BaseCommand {
  static override summary = 'Compare a backup with a closed profile, and add what the profile lacks.';
  static override description =
    'Says how many logins and bookmarks would be added; --yes adds them. What the profile has stays as it is: a login ' +
    'with another password is kept, and no extension is installed. This is a copy, no synchronisation: for that there ' +
    'is Firefox Sync.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> https://dav.example.org/me/browser/ --user me --password-file dav.secret',
    '<%= config.bin %> <%= command.id %> https://dav.example.org/me/browser/ --identity-file key.txt --yes',
  ];
  static override args = {
    url: Args.string({ description: 'The folder.', required: true, ignoreStdin: true }),
    name: Args.string({ description: 'Name of the backup; the newest one otherwise.', ignoreStdin: true }),
  };
  static override flags = {
    ...backupProfileFlags,
    ...decryptFlags,
    yes: Flags.boolean({ summary: 'Add what is missing instead of only telling it.' }),
  };

  override async run(): Promise<BrowserBackupRestoreResult> {
    const { args, flags } = await this.parse(BrowserBackupRestore);
    const dav = davFor(args.url, flags, this.signal);
    const launch = launchFor(flags, this.signal);
    const from = await readAgeFrom(flags, this.mayAsk);
    const result = await restoreBackup(dav, launch, { from, name: args.name, merge: flags.yes === true });
    return this.emit(result, renderRestored);
  }
}
