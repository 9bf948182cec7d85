import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../../src/cli/base.ts';
import { storeFlags } from '../../../src/cli/key-store.ts';
import { renderClientAct } from '../../../src/cli/render/validation.ts';
import { switchClient } from '../../../src/cli/validation.ts';
import type { ValidationClientActResult } from '../../../src/schema/validation.ts';

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
    const result = await switchClient(flags, (text) => this.note(text), {
      id: args.id,
      state: 'active',
      said: 'may ask again',
    });
    return this.emit(result, renderClientAct);
  }
}
