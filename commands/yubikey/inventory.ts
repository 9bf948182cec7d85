import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { storeFlags, withStoreIfAny } from '../../src/cli/key-store.ts';
import { renderInventory } from '../../src/cli/render/yubikey.ts';
import { inventoryResult } from '../../src/keys/views.ts';
import type { YubikeyInventoryResult } from '../../src/schema/yubikey.ts';

export default class YubikeyInventory extends BaseCommand {
  static override summary = 'Tell what was written into which YubiKey, and when.';
  static override description =
    'A key never tells what is in its slots; our records do, without the secrets. No key has to be plugged in.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --serial 1234567',
  ];
  static override flags = {
    ...storeFlags,
    serial: Flags.integer({ summary: 'Of this key only.', helpValue: 'N' }),
  };

  override async run(): Promise<YubikeyInventoryResult> {
    const { flags } = await this.parse(YubikeyInventory);
    const result = await withStoreIfAny(flags, async (store) => inventoryResult(store, flags.serial));
    return this.emit(result, renderInventory);
  }
}
