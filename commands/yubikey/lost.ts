import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../src/cli/base.ts';
import { storeFlags } from '../../src/cli/key-store.ts';
import { withLoginsIfAny } from '../../src/cli/logins.ts';
import { renderLost } from '../../src/cli/render/yubikey.ts';
import { loseKeyAndLogins } from '../../src/logins/lost.ts';
import type { YubikeyLostResult } from '../../src/schema/yubikey.ts';

export default class YubikeyLost extends BaseCommand {
  static override summary = 'Refuse the OTPs of a lost YubiKey from now on.';
  static override description =
    'Disables every public id that was written into the key. Its OTPs are spent all the same, so that none counts ' +
    'should the key come back. Tells which accounts it opens, and ends their session passwords.';
  static override examples = ['<%= config.bin %> <%= command.id %> 1234567'];
  static override args = {
    serial: Args.integer({
      description: 'Serial number of the key.',
      required: true,
      ignoreStdin: true,
    }),
  };
  static override flags = storeFlags;

  override async run(): Promise<YubikeyLostResult> {
    const { args, flags } = await this.parse(YubikeyLost);
    const result = await withLoginsIfAny(flags, async ({ keys, logins, record }) => {
      const lost = await loseKeyAndLogins(keys, logins, args.serial, Date.now());
      if (lost.status !== 'unknown') await record('key lost', `serial ${args.serial}`);
      return lost;
    });
    return this.emit(result, renderLost);
  }
}
