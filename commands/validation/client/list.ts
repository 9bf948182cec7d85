import { BaseCommand } from '../../../src/cli/base.ts';
import { storeFlags } from '../../../src/cli/key-store.ts';
import { renderClients } from '../../../src/cli/render/validation.ts';
import { withAdministrationIfAny } from '../../../src/cli/validation.ts';
import type { ValidationClientListResult } from '../../../src/schema/validation.ts';
import { clientList } from '../../../src/validation/views.ts';

export default class ValidationClientList extends BaseCommand {
  static override summary = 'List who may ask the validation server for verdicts.';
  static override description =
    'Shows number, state, limits and last use of each client; API keys are never shown.';
  static override examples = ['<%= config.bin %> <%= command.id %> --json'];
  static override flags = storeFlags;

  override async run(): Promise<ValidationClientListResult> {
    const { flags } = await this.parse(ValidationClientList);
    const result = await withAdministrationIfAny(
      flags,
      async (office) => clientList(office),
      (text) => this.note(text),
    );
    return this.emit(result, renderClients);
  }
}
