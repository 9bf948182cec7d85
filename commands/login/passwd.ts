import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { storeFlags } from '../../src/cli/key-store.ts';
import { readNewPassword, withLoginsIfAny } from '../../src/cli/logins.ts';
import { renderOutcome } from '../../src/cli/render/login.ts';
import { changePassword } from '../../src/logins/manage.ts';
import type { LoginChangeResult } from '../../src/schema/login.ts';

export default class LoginPasswd extends BaseCommand {
  static override summary = 'Change the base password of a login set.';
  static override description =
    'It is asked for twice, without echo, and kept as Argon2id. From then on the old one does not count.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> 1f2e3d4c5b',
    '<%= config.bin %> <%= command.id %> 1f2e3d4c5b --password-file -',
  ];
  static override args = {
    id: Args.string({ description: 'As "login list" shows it.', required: true, ignoreStdin: true }),
  };
  static override flags = {
    ...storeFlags,
    ...withEnvironment({
      'password-file': Flags.string({
        summary: 'Read the base password from this private file; "-" is standard input.',
        helpValue: 'FILE',
      }),
    }),
  };

  override async run(): Promise<LoginChangeResult> {
    const { args, flags } = await this.parse(LoginPasswd);
    const password = await readNewPassword({
      file: flags['password-file'],
      flag: 'password-file',
      message: 'New base password:',
      mayAsk: this.mayAsk,
    });
    const result = await withLoginsIfAny(flags, async ({ logins, record }) => {
      const changed = await changePassword(logins, args.id, password, Date.now());
      if (changed.status === 'ok') await record('login passwd', args.id);
      return changed;
    });
    return this.emit(result, renderOutcome);
  }
}
