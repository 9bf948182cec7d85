import { ChangeCommand, currentCodes, recordFor } from '../../src/cli/change-command.ts';
import { changeFlags, slotFlag, slotOf } from '../../src/cli/desk.ts';
import { deskStoreFlags } from '../../src/cli/key-store.ts';
import type { YubikeyChangeResult } from '../../src/schema/yubikey.ts';
import { refusal, requireProgrammed } from '../../src/yubikey/refusal.ts';
import { isCode } from '../../src/yubikey/slot.ts';
import { deleteSlot, withCodes } from '../../src/yubikey/write.ts';

export default class YubikeyDelete extends ChangeCommand {
  static override summary = 'Delete a slot of a YubiKey.';
  static override description =
    'What is in the slot is lost for good. The public id that we have written there is refused from then on.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --slot 2',
    '<%= config.bin %> <%= command.id %> --slot 2 --yes --serial 1234567',
  ];
  static override flags = { ...changeFlags, ...slotFlag, ...deskStoreFlags };

  override async run(): Promise<YubikeyChangeResult> {
    const { flags } = await this.parse(YubikeyDelete);
    const slot = slotOf(flags);
    return this.change(flags, false, (key, store) => {
      const { status, info, view, wire } = key;
      requireProgrammed(status, slot);
      const record = recordFor(key, store, slot);
      const codes = currentCodes(flags, store, record);
      return {
        slot,
        plan: [`Delete slot ${slot}${record ? ` (${record.kind})` : ''}, and refuse its OTPs.`],
        checks: [],
        carryOut: async () => {
          const change = await withCodes(codes, (code) => deleteSlot(wire, slot, code));
          if (change.kind === 'refused') {
            throw refusal('delete', { slot, status, info, codeOffered: isCode(codes[0]) });
          }
          store?.wasDeleted(key.owner, slot, Date.now());
          return {
            summary: `Slot ${slot} of ${view.serial ?? view.node} was deleted.`,
            recordId: record?.id,
          };
        },
      };
    });
  }
}
