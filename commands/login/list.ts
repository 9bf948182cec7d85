import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../src/cli/base.ts';
import { storeFlags } from '../../src/cli/key-store.ts';
import { withLoginsIfAny } from '../../src/cli/logins.ts';
import { renderLogins } from '../../src/cli/render/login.ts';
import { listLogins, requireAccount } from '../../src/logins/manage.ts';
import type { LoginListResult } from '../../src/schema/login.ts';

export default class LoginList extends BaseCommand {
  static override summary = 'List who logs in with which key.';
  static override description = 'Shows the login sets of all accounts, or of one; passwords are never shown.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> ann@example.org --json',
  ];
  static override args = { account: Args.string({ description: 'Only this account.', ignoreStdin: true }) };
  static override flags = storeFlags;

  override async run(): Promise<LoginListResult> {
    const { args, flags } = await this.parse(LoginList);
    const account = args.account === undefined ? undefined : requireAccount(args.account);
    const result = await withLoginsIfAny(
      flags,
      ({ logins }) => listLogins(logins, account),
      (text) => this.note(text),
    );
    return this.emit(result, renderLogins);
  }
}
