import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { readInput } from '../../src/cli/input.ts';
import { storeFlags, withStoresIfAny } from '../../src/cli/key-store.ts';
import { renderVerified } from '../../src/cli/render/otp.ts';
import { askFlags, validatorConfig, validatorFlags, validatorWorld } from '../../src/cli/validators.ts';
import { verifyOtp } from '../../src/keys/verify.ts';
import type { OtpVerifyResult } from '../../src/schema/otp.ts';
import { type ValidatorWorld, validatorOpener } from '../../src/validators/open.ts';
import type { ValidatorConfig } from '../../src/validators/types.ts';
import { verifyWith } from '../../src/validators/verify.ts';

/** More than any OTP has. */
const MAX_BYTES = 1000;

export default class OtpVerify extends BaseCommand {
  static override summary = 'Check a Yubico OTP, here or with a validation service, and spend it.';
  static override description =
    'Exits with 0 when the OTP is accepted, with 2 when it is refused, and with 3 when a service could not tell. What is ' +
    'accepted is used up, on the disk, before the answer is given; "otp decode" looks into an OTP without spending it. ' +
    'A service is asked over HTTPS by the validation protocol 2.0; its answer counts only if it names this OTP and ' +
    'this request, and is signed with the API key where there is one.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> vvccccbdthjibitjgnkkhruuhufdigeldfblfcigetje',
    '<%= config.bin %> <%= command.id %> - --explain',
    '<%= config.bin %> <%= command.id %> - --validator yubicloud --client-id 12345 --api-key-file /etc/postern/api-key',
    '<%= config.bin %> <%= command.id %> - --validator https://otp.example.org/wsapi/2.0/verify --client-id 1',
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
    ...validatorFlags,
    ...askFlags,
    ...withEnvironment({
      explain: Flags.boolean({ summary: 'Tell each step of the check.' }),
    }),
  };

  override async run(): Promise<OtpVerifyResult> {
    const { args, flags } = await this.parse(OtpVerify);
    const typed = args.otp === '-' ? (await readInput('-', MAX_BYTES)).toString('utf8') : args.otp;
    const config = validatorConfig(flags);
    const result =
      config.kind === 'local'
        ? await withStoresIfAny(flags, (stores) => verifyOtp(stores?.keys, typed, Date.now()))
        : await this.ask(config, typed, validatorWorld(flags, undefined));
    return this.emit(result, (_, columns) => renderVerified(result, flags.explain, columns));
  }

  private async ask(config: ValidatorConfig, typed: string, world: ValidatorWorld): Promise<OtpVerifyResult> {
    const validator = await validatorOpener(world)(config);
    return verifyWith(validator, typed, this.signal);
  }
}
