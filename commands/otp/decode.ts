import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { readHexFile } from '../../src/cli/desk.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { readInput } from '../../src/cli/input.ts';
import { storeFlags, withStoresIfAny } from '../../src/cli/key-store.ts';
import { renderDecoded } from '../../src/cli/render/otp.ts';
import { decodeOtp } from '../../src/keys/decode.ts';
import type { OtpDecodeResult } from '../../src/schema/otp.ts';

/** More than any OTP has. */
const MAX_BYTES = 1000;

export default class OtpDecode extends BaseCommand {
  static override summary = 'Show what is in a Yubico OTP, without spending it.';
  static override description =
    'Decrypts it with the key on record for its public id, or with the one that is given. What another keyboard layout ' +
    'or caps lock did to it is undone. The private id is compared and never shown.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> dteffujehknhfjbrjnlnldnhcujvddbikngjrtgh',
    '<%= config.bin %> <%= command.id %> - --key-file key.hex',
  ];
  static override args = {
    otp: Args.string({
      description: 'What the key has typed; "-" for standard input.',
      required: true,
      ignoreStdin: true,
    }),
  };
  static override flags = {
    ...storeFlags,
    ...withEnvironment({
      'key-file': Flags.string({
        summary: 'Decrypt with the AES key in this file: 32 hexadecimal digits.',
        helpValue: 'FILE',
      }),
    }),
  };

  override async run(): Promise<OtpDecodeResult> {
    const { args, flags } = await this.parse(OtpDecode);
    const typed = args.otp === '-' ? (await readInput('-', MAX_BYTES)).toString('utf8') : args.otp;
    const file = flags['key-file'];
    const aesKey =
      file === undefined
        ? undefined
        : readHexFile(file, 'key-file', [16], 'an AES key has 32 hexadecimal digits');
    const result = await withStoresIfAny(flags, (stores) =>
      decodeOtp(typed, { aesKey, store: stores?.keys }),
    );
    return this.emit(result, renderDecoded);
  }
}
