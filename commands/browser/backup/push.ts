import { hostname } from 'node:os';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { pushBackup } from '../../../src/browser/backups.ts';
import { BaseCommand } from '../../../src/cli/base.ts';
import { backupProfileFlags, davFor, launchFor } from '../../../src/cli/browser-backup.ts';
import { ageFlags, readAgeTo } from '../../../src/cli/browser-passwords.ts';
import { withEnvironment } from '../../../src/cli/flags.ts';
import { renderPushed } from '../../../src/cli/render/browser-backup.ts';
import type { BrowserBackupPushResult } from '../../../src/schema/browser.ts';

export default class BrowserBackupPush extends BaseCommand {
  static override summary =
    'Keep the logins and bookmarks of a closed profile on WebDAV, encrypted before they leave.';
  static override description =
    'Takes the logins, the bookmarks and the names of the extensions from Firefox, encrypts them with age, writes them ' +
    'to a new file of a WebDAV folder, reads it back and compares. This is a copy, no synchronisation: for that there ' +
    'is Firefox Sync, which is end-to-end encrypted, too.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> https://dav.example.org/me/browser/ --user me --password-file dav.secret --recipient age1…',
    '<%= config.bin %> <%= command.id %> https://dav.example.org/me/browser/ --passphrase-file phrase --keep 10',
  ];
  static override args = {
    url: Args.string({ description: 'The folder.', required: true, ignoreStdin: true }),
  };
  static override flags = {
    ...backupProfileFlags,
    ...ageFlags,
    ...withEnvironment({
      keep: Flags.integer({
        summary: 'Take away all but this many backups of this machine.',
        min: 1,
        max: 10_000,
      }),
    }),
  };

  override async run(): Promise<BrowserBackupPushResult> {
    const { args, flags } = await this.parse(BrowserBackupPush);
    const dav = davFor(args.url, flags, this.signal);
    const launch = launchFor(flags, this.signal);
    const to = await readAgeTo(flags, this.mayAsk);
    const push = { to, host: hostname(), keep: flags.keep, nowMs: Date.now() };
    return this.emit(await pushBackup(dav, launch, push), renderPushed);
  }
}
