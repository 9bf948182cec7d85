import * as Args from '@oclif/core/args';
import { listBackups } from '../../../src/browser/backups.ts';
import { BaseCommand } from '../../../src/cli/base.ts';
import { davFlags, davFor } from '../../../src/cli/browser-backup.ts';
import { renderBackups } from '../../../src/cli/render/browser-backup.ts';
import type { BrowserBackupListResult } from '../../../src/schema/browser.ts';

export default class BrowserBackupList extends BaseCommand {
  static override summary = 'List the backups in a WebDAV folder.';
  static override description = 'Names tell when and on which machine each was made. Nothing is decrypted.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> https://dav.example.org/me/browser/ --user me --password-file dav.secret',
  ];
  static override args = {
    url: Args.string({ description: 'The folder.', required: true, ignoreStdin: true }),
  };
  static override flags = davFlags;

  override async run(): Promise<BrowserBackupListResult> {
    const { args, flags } = await this.parse(BrowserBackupList);
    return this.emit(await listBackups(davFor(args.url, flags, this.signal)), renderBackups);
  }
}
