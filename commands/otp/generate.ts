import { existsSync } from 'node:fs';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { renderTyped } from '../../src/cli/render/otp.ts';
import { readSecretFile } from '../../src/cli/secrets.ts';
import { AppError, ExitCode } from '../../src/errors.ts';
import { newSoftwareKey, softwareKeyIn, writeSoftwareKey } from '../../src/lab/software-key-file.ts';
import type { OtpGenerateResult } from '../../src/schema/otp.ts';

export default class OtpGenerate extends BaseCommand {
  static override summary = 'Touch a key in software: print the OTP that it types.';
  static override description =
    'For tests and to practise with. The file holds the secrets and counters of the key; "yubikey" commands take it with ' +
    '--software-key, too. It is no substitute for a key that nobody can copy.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --software-key key.json --new',
    '<%= config.bin %> <%= command.id %> --software-key key.json --slot 2',
  ];
  static override flags = withEnvironment({
    'software-key': Flags.string({ summary: 'File of the key.', required: true, helpValue: 'FILE' }),
    new: Flags.boolean({ summary: 'Make the file first, with random secrets in slot 1.' }),
    replug: Flags.boolean({ summary: 'Unplug the key and plug it in again first: its use counter goes on.' }),
    slot: Flags.integer({ summary: 'Slot that is touched.', default: 1, min: 1, max: 2, helpValue: '1|2' }),
  });

  override async run(): Promise<OtpGenerateResult> {
    const { flags } = await this.parse(OtpGenerate);
    const file = flags['software-key'];
    if (flags.new) {
      if (existsSync(file))
        throw new AppError(`'${file}' is there already.`, {
          code: 'E_SOFTWARE_KEY',
          exit: ExitCode.cannotWrite,
          hint: 'Name another file, or leave --new out.',
        });
      writeSoftwareKey(file, newSoftwareKey());
    }
    const key = softwareKeyIn(file, readSecretFile(file), Date.now);
    if (flags.replug) key.replug();
    const slot = flags.slot === 1 ? 1 : 2;
    const typed = key.press(slot);
    if (typed === null)
      throw new AppError(`Slot ${slot} of '${file}' types nothing.`, {
        code: 'E_SLOT_EMPTY',
        exit: ExitCode.unavailable,
        hint: 'Program it with "postern yubikey program --software-key", or touch the other slot.',
      });
    const result: OtpGenerateResult = {
      target: file,
      status: 'ok',
      summary: `Slot ${slot} has typed ${typed}.`,
      checks: [],
      typed,
      slot,
      serial: key.state().serial,
    };
    return this.emit(result, renderTyped);
  }
}
