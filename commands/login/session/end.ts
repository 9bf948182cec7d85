import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../../src/cli/base.ts';
import { withEnvironment } from '../../../src/cli/flags.ts';
import { storeFlags } from '../../../src/cli/key-store.ts';
import { withLoginsIfAny } from '../../../src/cli/logins.ts';
import { renderOutcome } from '../../../src/cli/render/login.ts';
import { AppError, ExitCode } from '../../../src/errors.ts';
import { endSessions, requireAccount } from '../../../src/logins/manage.ts';
import type { LoginSessionEndResult } from '../../../src/schema/login.ts';

export default class LoginSessionEnd extends BaseCommand {
  static override summary = 'End session passwords at once.';
  static override description =
    'One by its id, or all of an account. Connections that are open already are the business of the mail server: ' +
    '"doveadm kick" closes them.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> 1f2e3d4c5b',
    '<%= config.bin %> <%= command.id %> --account ann@example.org',
  ];
  static override args = {
    id: Args.string({ description: 'As "login session list" shows it.', ignoreStdin: true }),
  };
  static override flags = {
    ...storeFlags,
    ...withEnvironment({
      account: Flags.string({ summary: 'All of this account.', helpValue: 'ACCOUNT' }),
    }),
  };

  override async run(): Promise<LoginSessionEndResult> {
    const { args, flags } = await this.parse(LoginSessionEnd);
    if ((args.id === undefined) === (flags.account === undefined)) throw oneOfBoth();
    const which =
      args.id === undefined ? { accounts: [requireAccount(flags.account ?? '')] } : { id: args.id };
    const result = await withLoginsIfAny(flags, async ({ logins, record }) => {
      const ended = await endSessions(logins, which);
      if (ended.status === 'ok') await record('login session end', args.id ?? flags.account ?? '');
      return ended;
    });
    return this.emit(result, renderOutcome);
  }
}

function oneOfBoth(): AppError {
  return new AppError('Which session passwords?', {
    code: 'E_USAGE',
    exit: ExitCode.usage,
    hint: 'Give the id of one, or --account for all of an account.',
  });
}
