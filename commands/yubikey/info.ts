import { BaseCommand } from '../../src/cli/base.ts';
import { oneKeyFlags, withKeyOf } from '../../src/cli/desk.ts';
import { deskStoreFlags, withStoreIfAny } from '../../src/cli/key-store.ts';
import { renderInfo } from '../../src/cli/render/yubikey.ts';
import { infoResult } from '../../src/keys/views.ts';
import type { YubikeyInfoResult } from '../../src/schema/yubikey.ts';

export default class YubikeyInfo extends BaseCommand {
  static override summary = 'Tell everything about one YubiKey.';
  static override description =
    'What the key says about itself, and what our records say was written into its slots: that, a key never tells.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --serial 1234567 --json',
  ];
  static override flags = { ...oneKeyFlags, ...deskStoreFlags };

  override async run(): Promise<YubikeyInfoResult> {
    const { flags } = await this.parse(YubikeyInfo);
    const result = await withStoreIfAny(flags, (store) =>
      withKeyOf(flags, this.signal, async (key) => infoResult(key, store)),
    );
    this.emit(result, renderInfo);
    this.next('postern yubikey program --slot 2 --dry-run');
    return result;
  }
}
