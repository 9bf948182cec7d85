import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../src/cli/base.ts';
import { storeFlags } from '../../src/cli/key-store.ts';
import { renderDone } from '../../src/cli/render/validation.ts';
import { writeSecret } from '../../src/cli/secrets.ts';
import { actNow, withAdministration } from '../../src/cli/validation.ts';
import type { ValidationBackupResult } from '../../src/schema/validation.ts';

export default class ValidationBackup extends BaseCommand {
  static override summary = 'Copy the database of the validation server, while it runs, to a new file.';
  static override description =
    'The copy is whole and as of one moment; secrets in it are encrypted, and the master key is not part of it: keep that ' +
    'elsewhere. OTPs that were used after the backup would count again after it is put back; so put it back only where ' +
    'the database itself is lost, and let everybody touch their key once. A shared database has programs of its own for it: ' +
    'pg_dump --schema=postern.';
  static override examples = ['<%= config.bin %> <%= command.id %> keys-2026-11-25.db'];
  static override args = {
    file: Args.string({ description: 'New file.', required: true, ignoreStdin: true }),
  };
  static override flags = storeFlags;

  override async run(): Promise<ValidationBackupResult> {
    const { args, flags } = await this.parse(ValidationBackup);
    await withAdministration(
      flags,
      (text) => this.note(text),
      // Empty and ours alone, before anything is in it; what is there already is never touched.
      (office) => office.backUp(args.file, () => writeSecret(args.file, ''), actNow()),
    );
    const summary = `The database was copied to ${args.file}; the master key was not.`;
    return this.emit({ target: args.file, status: 'ok', summary, checks: [], file: args.file }, renderDone);
  }
}
