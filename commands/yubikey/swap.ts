import { ChangeCommand, type Planned } from '../../src/cli/change-command.ts';
import { changeFlags } from '../../src/cli/desk.ts';
import { deskStoreFlags } from '../../src/cli/key-store.ts';
import { AppError, ExitCode } from '../../src/errors.ts';
import type { KeyStore } from '../../src/keys/store.ts';
import type { YubikeyChangeResult } from '../../src/schema/yubikey.ts';
import { refusal, requireAbility } from '../../src/yubikey/refusal.ts';
import type { OpenKey } from '../../src/yubikey/survey.ts';
import { swapSlots } from '../../src/yubikey/write.ts';

function plan(key: OpenKey, store: KeyStore | undefined): Planned {
  const { status, info, view, wire, owner } = key;
  requireAbility(status.version, 'swapping the slots');
  if (status.slots[1] === 'empty' && status.slots[2] === 'empty')
    throw new AppError('Both slots are empty.', {
      code: 'E_SLOT_EMPTY',
      exit: ExitCode.unavailable,
      hint: 'There is nothing to swap.',
    });
  return {
    slot: null,
    plan: ['Exchange slot 1 and slot 2, and our records of them.'],
    checks: [],
    carryOut: async () => {
      const change = await swapSlots(wire);
      if (change.kind === 'refused') throw refusal('swap', { slot: null, status, info, codeOffered: false });
      store?.wereSwapped(owner, Date.now());
      return { summary: `The slots of ${view.serial ?? view.node} were swapped.` };
    },
  };
}

export default class YubikeySwap extends ChangeCommand {
  static override summary = 'Swap the two slots of a YubiKey.';
  static override description = 'A key refuses it while one of its slots is protected with an access code.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --yes --serial 1234567',
  ];
  static override flags = { ...changeFlags, ...deskStoreFlags };

  override async run(): Promise<YubikeyChangeResult> {
    const { flags } = await this.parse(YubikeySwap);
    return this.change(flags, false, plan);
  }
}
