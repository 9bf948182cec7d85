import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../../src/cli/base.ts';
import { storeFlags } from '../../../src/cli/key-store.ts';
import { renderDone } from '../../../src/cli/render/validation.ts';
import { switchKey } from '../../../src/cli/validation.ts';
import type { ValidationKeyActResult } from '../../../src/schema/validation.ts';

export default class ValidationKeyDisable extends BaseCommand {
  static override summary = 'Take no OTP of a key any more, at once.';
  static override description =
    'Its OTPs are spent and refused: what was typed in the meantime does not count once the key is enabled again. For a key that is lost, with all its slots and logins, there is "yubikey lost".';
  static override examples = ['<%= config.bin %> <%= command.id %> vvcccccccccc'];
  static override args = {
    'public-id': Args.string({
      description: 'Public id of the key, in modhex.',
      required: true,
      ignoreStdin: true,
    }),
  };
  static override flags = storeFlags;

  override async run(): Promise<ValidationKeyActResult> {
    const { args, flags } = await this.parse(ValidationKeyDisable);
    const publicId = args['public-id'].toLowerCase();
    const result = await switchKey(flags, (text) => this.note(text), {
      publicId,
      state: 'disabled',
      said: 'is not taken any more',
    });
    return this.emit(result, renderDone);
  }
}
