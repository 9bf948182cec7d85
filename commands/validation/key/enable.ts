import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../../src/cli/base.ts';
import { storeFlags } from '../../../src/cli/key-store.ts';
import { renderDone } from '../../../src/cli/render/validation.ts';
import { switchKey } from '../../../src/cli/validation.ts';
import type { ValidationKeyActResult } from '../../../src/schema/validation.ts';

export default class ValidationKeyEnable extends BaseCommand {
  static override summary = 'Take the OTPs of a key again.';
  static override description =
    'OTPs that came while it was disabled stay spent. It also puts a key into use that was programmed and never touched.';
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
    const { args, flags } = await this.parse(ValidationKeyEnable);
    const publicId = args['public-id'].toLowerCase();
    const result = await switchKey(flags, (text) => this.note(text), {
      publicId,
      state: 'active',
      said: 'is taken',
    });
    return this.emit(result, renderDone);
  }
}
