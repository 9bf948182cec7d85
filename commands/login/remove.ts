import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../src/cli/base.ts';
import { storeFlags } from '../../src/cli/key-store.ts';
import { withLoginsIfAny } from '../../src/cli/logins.ts';
import { renderOutcome } from '../../src/cli/render/login.ts';
import { removeLogin } from '../../src/logins/manage.ts';
import type { LoginRemoveResult } from '../../src/schema/login.ts';

export default class LoginRemove extends BaseCommand {
  static override summary = 'Remove a login set.';
  static override description =
    'The key stays what it is for other accounts. With the last login set of an account its session passwords end, too.';
  static override examples = ['<%= config.bin %> <%= command.id %> 1f2e3d4c5b'];
  static override args = {
    id: Args.string({ description: 'As "login list" shows it.', required: true, ignoreStdin: true }),
  };
  static override flags = storeFlags;

  override async run(): Promise<LoginRemoveResult> {
    const { args, flags } = await this.parse(LoginRemove);
    const result = await withLoginsIfAny(flags, async ({ logins, record }) => {
      const removed = await removeLogin(logins, args.id);
      if (removed.status === 'ok') await record('login remove', args.id);
      return removed;
    });
    return this.emit(result, renderOutcome);
  }
}
