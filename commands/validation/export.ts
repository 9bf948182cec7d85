import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { storeFlags, withStoresIfAny } from '../../src/cli/key-store.ts';
import { encryptFor, recipientFlags } from '../../src/cli/recipients.ts';
import { renderExport } from '../../src/cli/render/validation-transfer.ts';
import { writeSecret } from '../../src/cli/secrets.ts';
import { EXPORT_FORMATS, type ExportFormat, exportKeys } from '../../src/keys/transfer/export.ts';
import type { ValidationExportResult } from '../../src/schema/validation-transfer.ts';

export default class ValidationExport extends BaseCommand {
  static override summary = 'Write the keys with their secrets into an encrypted file.';
  static override description =
    'For another server: CSV in the order of yubikey-ksm, PSKC (RFC 6030), or the counters in the order of yubikey-val. The ' +
    'file is encrypted to age recipients; whoever insists gets it in clear, readable by its owner alone.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --to keys.age --recipient age1…',
    '<%= config.bin %> <%= command.id %> --to keys.xml.age --as pskc --recipients-file admins.txt',
  ];
  static override flags = {
    ...storeFlags,
    ...recipientFlags,
    ...withEnvironment({
      to: Flags.string({
        summary: 'New file; one that is there is left alone.',
        required: true,
        helpValue: 'FILE',
      }),
      as: Flags.option({ summary: 'Format.', options: EXPORT_FORMATS, default: 'ykksm' as const })(),
      'in-clear': Flags.boolean({
        summary: 'Do not encrypt it: whoever reads the file can copy every key.',
        exclusive: ['recipient', 'recipients-file'],
      }),
    }),
  };

  override async run(): Promise<ValidationExportResult> {
    const { flags } = await this.parse(ValidationExport);
    const { to, as: format } = flags;
    const encrypted = !flags['in-clear'];
    const count = await withStoresIfAny(flags, async (stores) => {
      const keys = (await stores?.keys.keys()) ?? [];
      if (!stores || keys.length === 0) return 0;
      const text = await exportKeys(stores.keys, keys, format);
      writeSecret(to, encrypted ? await encryptFor(flags, text) : text);
      return keys.length;
    });
    if (count === 0) return this.emit(nothing(to, format), renderExport);
    const what = count === 1 ? 'One key was' : `${count} keys were`;
    const result: ValidationExportResult = {
      target: null,
      status: 'ok',
      summary: `${what} written to ${to}, ${encrypted ? 'encrypted' : 'in clear'}.`,
      checks: [],
      file: to,
      format,
      encrypted,
      keys: count,
    };
    return this.emit(result, renderExport);
  }
}

/** A backup of nothing is bad news. */
function nothing(file: string, format: ExportFormat): ValidationExportResult {
  const message = 'There are no keys to export; nothing was written.';
  return {
    target: null,
    status: 'crit',
    summary: message,
    checks: [
      {
        id: 'export.empty',
        status: 'crit',
        message,
        fix: 'Look whether this is the right state directory: "postern yubikey inventory" tells what is on record.',
      },
    ],
    file,
    format,
    encrypted: false,
    keys: 0,
  };
}
