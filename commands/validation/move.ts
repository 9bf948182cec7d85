import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { databaseFrom, deskStoreFlags, folderOf } from '../../src/cli/key-store.ts';
import { renderMove } from '../../src/cli/render/validation-transfer.ts';
import { actNow } from '../../src/cli/validation.ts';
import type { ValidationMoveResult } from '../../src/schema/validation-transfer.ts';
import { moveStore } from '../../src/stores/move.ts';

export default class ValidationMove extends BaseCommand {
  static override summary =
    'Move the store of a validation server into a database that several servers share.';
  static override description =
    'Copies keys with their counters, clients, logins, session passwords and the audit log, all of it or nothing. Counters go ' +
    'up only, what is disabled stays so, secrets are never replaced: run it once while the server goes on, stop the ' +
    'server, and run it again. The database has the master key of the folder, which every node needs a copy of. Two ' +
    'servers with two stores take an OTP once each: never start one on the folder again.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --to postgresql://postern@db.example.org/otp --dry-run',
    '<%= config.bin %> <%= command.id %> --to postgresql://postern@db.example.org/otp --to-password-file db.password',
  ];
  static override flags = {
    ...deskStoreFlags,
    ...withEnvironment({
      to: Flags.string({
        summary: 'The database: postgresql://[USER@]HOST[:PORT]/NAME.',
        required: true,
        helpValue: 'URL',
      }),
      'to-password-file': Flags.string({
        summary: 'Private file with the password for it; PGPASSWORD counts without it.',
        helpValue: 'FILE',
      }),
      'dry-run': Flags.boolean({ summary: 'Tell what would be moved, and change nothing.' }),
    }),
  };

  override async run(): Promise<ValidationMoveResult> {
    const { flags } = await this.parse(ValidationMove);
    const from = folderOf(flags, process.env);
    const to = databaseFrom(flags.to, 'to', flags['to-password-file'], process.env);
    return this.emit(await moveStore(from, to, flags['dry-run'] ? null : actNow()), renderMove);
  }
}
