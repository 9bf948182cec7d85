import { AmendCommand } from '../../../src/cli/amend-command.ts';
import { changeFlags, slotFlag } from '../../../src/cli/desk.ts';
import { deskStoreFlags } from '../../../src/cli/key-store.ts';
import type { YubikeyChangeResult } from '../../../src/schema/yubikey.ts';
import { NO_CODE } from '../../../src/yubikey/slot.ts';

export default class YubikeyAccessCodeRemove extends AmendCommand {
  static override summary = 'Take the access code of a slot of a YubiKey away.';
  static override description =
    'Takes the code that our records have, or the one in --access-code-file. A code that nobody knows cannot be removed.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --slot 2',
    '<%= config.bin %> <%= command.id %> --slot 2 --access-code-file code.hex --yes --serial 1234567',
  ];
  static override flags = { ...changeFlags, ...slotFlag, ...deskStoreFlags };

  override async run(): Promise<YubikeyChangeResult> {
    const { flags } = await this.parse(YubikeyAccessCodeRemove);
    return this.amend(flags, {
      newCode: NO_CODE,
      plan: `Take the access code of slot ${flags.slot} away.`,
      summary: `Slot ${flags.slot} is not protected any more.`,
    });
  }
}
