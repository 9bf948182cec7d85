import { BaseCommand } from '../../../src/cli/base.ts';
import { storeFlags, withStoresIfAny } from '../../../src/cli/key-store.ts';
import { renderKeys } from '../../../src/cli/render/validation.ts';
import type { ValidationKeyListResult } from '../../../src/schema/validation.ts';
import { keyList } from '../../../src/validation/views.ts';

export default class ValidationKeyList extends BaseCommand {
  static override summary = 'List the keys whose OTPs the validation server takes.';
  static override description =
    'Shows public id, state, serial number and last use of each key; secrets are never shown.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --json',
  ];
  static override flags = storeFlags;

  override async run(): Promise<ValidationKeyListResult> {
    const { flags } = await this.parse(ValidationKeyList);
    return this.emit(
      await withStoresIfAny(
        flags,
        (stores) => keyList(stores?.keys),
        (text) => this.note(text),
      ),
      renderKeys,
    );
  }
}
