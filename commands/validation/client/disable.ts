import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../../src/cli/base.ts';
import { storeFlags } from '../../../src/cli/key-store.ts';
import { renderClientAct } from '../../../src/cli/render/validation.ts';
import { switchClient } from '../../../src/cli/validation.ts';
import type { ValidationClientActResult } from '../../../src/schema/validation.ts';

export default class ValidationClientDisable extends BaseCommand {
  static override summary = 'Take a client the right to ask, at once.';
  static override description =
    'Its requests are answered NO_SUCH_CLIENT from now on, by every process that serves this store.';
  static override examples = ['<%= config.bin %> <%= command.id %> 3'];
  static override args = {
    id: Args.integer({ description: 'Number of the client.', required: true, min: 1, ignoreStdin: true }),
  };
  static override flags = storeFlags;

  override async run(): Promise<ValidationClientActResult> {
    const { args, flags } = await this.parse(ValidationClientDisable);
    const result = await switchClient(flags, (text) => this.note(text), {
      id: args.id,
      state: 'disabled',
      said: 'may not ask any more',
    });
    return this.emit(result, renderClientAct);
  }
}
