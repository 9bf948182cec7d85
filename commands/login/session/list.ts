import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../../src/cli/base.ts';
import { storeFlags } from '../../../src/cli/key-store.ts';
import { withLoginsIfAny } from '../../../src/cli/logins.ts';
import { renderSessions } from '../../../src/cli/render/login.ts';
import { listSessions, requireAccount } from '../../../src/logins/manage.ts';
import type { LoginSessionListResult } from '../../../src/schema/login.ts';

export default class LoginSessionList extends BaseCommand {
  static override summary = 'List the session passwords that count.';
  static override description = 'Shows of all accounts, or of one, for what they are and when they end.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> ann@example.org',
  ];
  static override args = { account: Args.string({ description: 'Only this account.', ignoreStdin: true }) };
  static override flags = storeFlags;

  override async run(): Promise<LoginSessionListResult> {
    const { args, flags } = await this.parse(LoginSessionList);
    const account = args.account === undefined ? undefined : requireAccount(args.account);
    const result = await withLoginsIfAny(
      flags,
      ({ logins }) => listSessions(logins, account, Date.now()),
      (text) => this.note(text),
    );
    return this.emit(result, renderSessions);
  }
}
