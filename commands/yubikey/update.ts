import * as Flags from '@oclif/core/flags';
import { AmendCommand } from '../../src/cli/amend-command.ts';
import { changeFlags, slotFlag } from '../../src/cli/desk.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { deskStoreFlags } from '../../src/cli/key-store.ts';
import { AppError, ExitCode } from '../../src/errors.ts';
import { AMENDABLE, type Amendable } from '../../src/keys/amend.ts';
import type { YubikeyChangeResult } from '../../src/schema/yubikey.ts';

const turnable = (summary: string) => Flags.boolean({ summary, allowNo: true });

const turnFlags = withEnvironment({
  enter: turnable('Type Enter at the end.'),
  'tab-first': turnable('Type a tabulator first.'),
  'tab-after-id': turnable('Type a tabulator after the public id.'),
  'serial-by-api': turnable('Show the serial number to programs.'),
  'serial-over-usb': turnable('Show the serial number in the USB descriptor.'),
  'allow-update': turnable('Allow updates like this one.'),
  'fast-trigger': turnable('React to shorter touches when only this slot is programmed.'),
  dormant: turnable('Keep the slot asleep: it types nothing until it is woken by an update.'),
});

export default class YubikeyUpdate extends AmendCommand {
  static override summary = 'Change the flags of a slot of a YubiKey, and leave its secrets alone.';
  static override description =
    'What is not named stays as our records have it; access code included. Of a slot that another program wrote the flags ' +
    'are not known: it is told what is cleared.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --slot 2 --no-enter',
    '<%= config.bin %> <%= command.id %> --slot 2 --dormant --yes --serial 1234567',
  ];
  static override flags = { ...changeFlags, ...slotFlag, ...deskStoreFlags, ...turnFlags };

  override async run(): Promise<YubikeyChangeResult> {
    const { flags } = await this.parse(YubikeyUpdate);
    const turn: Partial<Record<Amendable, boolean>> = {};
    for (const name of Object.keys(AMENDABLE) as Amendable[]) {
      const on = flags[name];
      if (on !== undefined) turn[name] = on;
    }
    const words = Object.entries(turn).map(([name, on]) => `${name} ${on ? 'on' : 'off'}`);
    if (words.length === 0)
      throw new AppError('Nothing is to be changed.', {
        code: 'E_SLOT',
        exit: ExitCode.usage,
        hint: 'Name a flag, such as --no-enter.',
      });
    return this.amend(flags, {
      turn,
      plan: `Turn ${words.join(', ')} in slot ${flags.slot}.`,
      summary: `Slot ${flags.slot} has ${words.join(', ')}.`,
    });
  }
}
