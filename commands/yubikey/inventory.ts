import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { deskStoreFlags, withStoreIfAny } from '../../src/cli/key-store.ts';
import { renderInventory, renderSecrets } from '../../src/cli/render/yubikey.ts';
import { AppError, ExitCode } from '../../src/errors.ts';
import { inventoryResult, type SlotSecrets, secretsOf } from '../../src/keys/views.ts';
import type { YubikeyInventoryResult } from '../../src/schema/yubikey.ts';

export default class YubikeyInventory extends BaseCommand {
  static override summary = 'Tell what was written into which YubiKey, and when.';
  static override description =
    'A key never tells what is in its slots; our records do, without the secrets. No key has to be plugged in.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --serial 1234567',
    '<%= config.bin %> <%= command.id %> --serial 1234567 --show-secret',
  ];
  static override flags = {
    ...deskStoreFlags,
    serial: Flags.integer({ summary: 'Of this key only.', helpValue: 'N' }),
    'show-secret': Flags.boolean({
      summary: 'Show the secrets of this key’s slots as well; on a terminal only, never in JSON.',
      dependsOn: ['serial'],
    }),
  };

  override async run(): Promise<YubikeyInventoryResult> {
    const { flags } = await this.parse(YubikeyInventory);
    if (flags['show-secret'] && !(this.isText && process.stdout.isTTY === true)) throw noTerminal();
    let secrets: readonly SlotSecrets[] = [];
    const result = await withStoreIfAny(flags, async (store) => {
      if (flags['show-secret'] && store) secrets = secretsOf(store, flags.serial);
      return inventoryResult(store, flags.serial);
    });
    return this.emit(result, (value, columns) => [
      ...renderInventory(value, columns),
      ...renderSecrets(secrets),
    ]);
  }
}

/** What goes into a pipe or a file is read by others, sooner or later. */
function noTerminal(): AppError {
  return new AppError('--show-secret: secrets are shown on a terminal only.', {
    code: 'E_SHOW_SECRET',
    exit: ExitCode.usage,
    hint: 'To hand keys over, use "postern validation export", which encrypts them.',
  });
}
