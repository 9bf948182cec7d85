import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { readInput } from '../../src/cli/input.ts';
import { storeFlags, withStoreIfAny } from '../../src/cli/key-store.ts';
import { renderVerified } from '../../src/cli/render/otp.ts';
import { verifyOtp } from '../../src/keys/verify.ts';
import type { OtpVerifyResult } from '../../src/schema/otp.ts';

/** More than any OTP has. */
const MAX_BYTES = 1000;

export default class OtpVerify extends BaseCommand {
  static override summary = 'Check a Yubico OTP against the store of this machine, and spend it.';
  static override description =
    'Exits with 0 when the OTP is accepted and with 2 when it is refused. What is accepted is used up, on the disk, before ' +
    'the answer is given; "otp decode" looks into an OTP without spending it.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> vvccccbdthjibitjgnkkhruuhufdigeldfblfcigetje',
    '<%= config.bin %> <%= command.id %> - --explain',
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
      explain: Flags.boolean({ summary: 'Tell each step of the check.' }),
    }),
  };

  override async run(): Promise<OtpVerifyResult> {
    const { args, flags } = await this.parse(OtpVerify);
    const typed = args.otp === '-' ? (await readInput('-', MAX_BYTES)).toString('utf8') : args.otp;
    const result = await withStoreIfAny(flags, async (store) => verifyOtp(store, typed, Date.now()));
    return this.emit(result, (_, columns) => renderVerified(result, flags.explain, columns));
  }
}
