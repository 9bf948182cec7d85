import { randomBytes } from 'node:crypto';
import * as Flags from '@oclif/core/flags';
import { AmendCommand } from '../../../src/cli/amend-command.ts';
import { changeFlags, readAccessCode, slotFlag } from '../../../src/cli/desk.ts';
import { withEnvironment } from '../../../src/cli/flags.ts';
import { deskStoreFlags } from '../../../src/cli/key-store.ts';
import type { YubikeyChangeResult } from '../../../src/schema/yubikey.ts';

export default class YubikeyAccessCodeChange extends AmendCommand {
  static override summary = 'Change the access code of a slot of a YubiKey.';
  static override description =
    'Takes the code that our records have, or the one in --access-code-file. Firmware 4.3.2 to 4.3.5 cannot do it: there the ' +
    'slot has to be deleted and written anew.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --slot 2',
    '<%= config.bin %> <%= command.id %> --slot 2 --new-access-code-file code.hex --access-code-file old.hex',
  ];
  static override flags = {
    ...changeFlags,
    ...slotFlag,
    ...deskStoreFlags,
    ...withEnvironment({
      'new-access-code-file': Flags.string({
        summary:
          'Take the code from this file, 12 hexadecimal digits; a slot on record gets a random one without it.',
        helpValue: 'FILE',
      }),
    }),
  };

  override async run(): Promise<YubikeyChangeResult> {
    const { flags } = await this.parse(YubikeyAccessCodeChange);
    const given = readAccessCode(flags['new-access-code-file'], 'new-access-code-file');
    return this.amend(flags, {
      newCode: given ?? randomBytes(6),
      keepsCode: given === undefined,
      plan: `Change the access code of slot ${flags.slot}.`,
      summary: `Slot ${flags.slot} has a new access code.`,
    });
  }
}
