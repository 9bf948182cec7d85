import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { storeFlags } from '../../src/cli/key-store.ts';
import { readSecret, withLoginsIfAny } from '../../src/cli/logins.ts';
import { renderOutcome } from '../../src/cli/render/login.ts';
import { readTouch } from '../../src/cli/touch.ts';
import { askFlags, validatorConfig, validatorFlags, validatorWorld } from '../../src/cli/validators.ts';
import { requireAccount, verdictResult } from '../../src/logins/manage.ts';
import { type LoginVerdict, verifyLogin } from '../../src/logins/verify.ts';
import { loginWorld } from '../../src/logins/world.ts';
import type { LoginVerifyResult } from '../../src/schema/login.ts';
import { validatorOpener } from '../../src/validators/open.ts';

export default class LoginVerify extends BaseCommand {
  static override summary = 'Try whether somebody would be let in, and spend the OTP.';
  static override description =
    'Does what mail servers and web pages have done by "login serve", and tells why somebody is not let in; they do not. ' +
    'The field holds a session password, an OTP, or base password and OTP in one. Exits with 0, 2 or, when a validation ' +
    'service could not tell, 3.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> ann@example.org',
    '<%= config.bin %> <%= command.id %> ann@example.org --on imap --password-file -',
  ];
  static override args = {
    account: Args.string({ description: 'Name to log in with.', required: true, ignoreStdin: true }),
  };
  static override flags = {
    ...storeFlags,
    ...validatorFlags,
    ...askFlags,
    ...withEnvironment({
      on: Flags.string({ summary: 'Service to log in to.', default: 'web', helpValue: 'SERVICE' }),
      from: Flags.string({ summary: 'Address of the client.', default: '', helpValue: 'ADDRESS' }),
      'password-file': Flags.string({
        summary: 'Read the field from this private file; "-" is standard input.',
        helpValue: 'FILE',
      }),
      'otp-file': Flags.string({
        summary: 'The OTP has a field of its own, which is read from this file.',
        helpValue: 'FILE',
      }),
    }),
  };

  override async run(): Promise<LoginVerifyResult> {
    const { args, flags } = await this.parse(LoginVerify);
    const account = requireAccount(args.account);
    const password = await readSecret({
      file: flags['password-file'],
      flag: 'password-file',
      message: 'Password, touch, or both:',
      mayAsk: this.mayAsk,
    });
    const otp =
      flags['otp-file'] === undefined ? null : await readTouch(flags['otp-file'], this.signal, false);
    const attempt = { account, password, otp, service: flags.on, address: flags.from };
    const usual = validatorConfig(flags);
    const verdict = await withLoginsIfAny(flags, async ({ keys, logins: store }): Promise<LoginVerdict> => {
      if (!store) return { kind: 'refused', why: 'no-login', publicId: null };
      const open = validatorOpener(validatorWorld(flags, keys));
      const world = { store, open, usual, nowMs: Date.now, failureMs: 1, signal: this.signal };
      const judged = await verifyLogin(loginWorld(world), attempt);
      // To the outside all failures are alike, and cost the same; whoever administrates may know.
      const isNobody = judged.kind === 'refused' && (await store.find({ account })).length === 0;
      return isNobody && judged.why === 'no-otp' ? { ...judged, why: 'no-login' } : judged;
    });
    return this.emit(verdictResult(account, verdict), renderOutcome);
  }
}
