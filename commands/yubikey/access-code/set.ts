import { randomBytes } from 'node:crypto';
import * as Flags from '@oclif/core/flags';
import { AmendCommand } from '../../../src/cli/amend-command.ts';
import { changeFlags, readAccessCode, slotFlag } from '../../../src/cli/desk.ts';
import { withEnvironment } from '../../../src/cli/flags.ts';
import { deskStoreFlags } from '../../../src/cli/key-store.ts';
import type { YubikeyChangeResult } from '../../../src/schema/yubikey.ts';

export default class YubikeyAccessCodeSet extends AmendCommand {
  static override summary = 'Protect a slot of a YubiKey with an access code.';
  static override description =
    'From then on the slot cannot be changed without the code, which our records keep. Lost, a code cannot be found out or ' +
    'reset: the slot goes on working and can never be changed.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --slot 2',
    '<%= config.bin %> <%= command.id %> --slot 2 --new-access-code-file code.hex',
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
    const { flags } = await this.parse(YubikeyAccessCodeSet);
    const given = readAccessCode(flags['new-access-code-file'], 'new-access-code-file');
    return this.amend(flags, {
      newCode: given ?? randomBytes(6),
      keepsCode: given === undefined,
      plan: `Protect with an access code: slot ${flags.slot}.`,
      summary: `Slot ${flags.slot} is protected with an access code.`,
    });
  }
}
