import { BaseCommand } from '../../src/cli/base.ts';
import { FINDING_FORMATS, formatFlag } from '../../src/cli/flags.ts';
import { storeFlags } from '../../src/cli/key-store.ts';
import { renderValidationStatus } from '../../src/cli/render/validation.ts';
import { withAdministrationIfAny } from '../../src/cli/validation.ts';
import type { ValidationStatusResult } from '../../src/schema/validation.ts';
import { validationStatus } from '../../src/validation/views.ts';

export default class ValidationStatus extends BaseCommand {
  static override summary = 'Tell how the validation server stands: keys, clients, and what was done to it.';
  static override description =
    'Walks the audit log, whose entries are chained by hashes: an entry that was changed or left out is critical. Keep ' +
    'the head that is shown elsewhere, and a cut end shows as well.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --json',
  ];
  static override flags = { ...storeFlags, format: formatFlag(['text', 'json', ...FINDING_FORMATS]) };

  override async run(): Promise<ValidationStatusResult> {
    const { flags } = await this.parse(ValidationStatus);
    const result = await withAdministrationIfAny(
      flags,
      async (office, keys) => validationStatus(office, keys),
      (text) => this.note(text),
    );
    return this.emit(result, renderValidationStatus);
  }
}
