import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../../src/cli/base.ts';
import { storeFlags } from '../../../src/cli/key-store.ts';
import { renderClientAct } from '../../../src/cli/render/validation.ts';
import { actNow, withAdministration } from '../../../src/cli/validation.ts';
import type { ValidationClientActResult } from '../../../src/schema/validation.ts';
import { clientAct } from '../../../src/validation/views.ts';

export default class ValidationClientEnable extends BaseCommand {
  static override summary = 'Let a client ask again that was disabled.';
  static override description = 'It has the API key that it had.';
  static override examples = ['<%= config.bin %> <%= command.id %> 3'];
  static override args = {
    id: Args.integer({ description: 'Number of the client.', required: true, min: 1, ignoreStdin: true }),
  };
  static override flags = storeFlags;

  override async run(): Promise<ValidationClientActResult> {
    const { args, flags } = await this.parse(ValidationClientEnable);
    const result = await withAdministration(
      flags,
      (text) => this.note(text),
      async (office) => {
        office.setClient(args.id, 'active', actNow());
        return clientAct(office, args.id, `Client ${args.id} may ask again.`);
      },
    );
    return this.emit(result, renderClientAct);
  }
}
