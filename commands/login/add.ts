import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand, judgeTime } from '../../src/cli/base.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { storeFlags } from '../../src/cli/key-store.ts';
import { readNewPassword, withLogins, withLoginsIfAny } from '../../src/cli/logins.ts';
import { renderOutcome } from '../../src/cli/render/login.ts';
import { readTouch } from '../../src/cli/touch.ts';
import type { Recorder } from '../../src/cli/validation.ts';
import { askFlags, validatorConfig, validatorFlags, validatorWorld } from '../../src/cli/validators.ts';
import { AppError, ExitCode } from '../../src/errors.ts';
import type { ServedKeys } from '../../src/keys/served.ts';
import { addLogin, refusedTouch, requireAccount } from '../../src/logins/manage.ts';
import { parseServices } from '../../src/logins/services.ts';
import type { LoginStore } from '../../src/logins/types.ts';
import type { LoginChangeResult } from '../../src/schema/login.ts';
import { validatorOpener } from '../../src/validators/open.ts';

const NOTHING_KNOWN = 'No key is known on this machine.';

export default class LoginAdd extends BaseCommand {
  static override summary = 'Let somebody log in with a YubiKey, by one touch.';
  static override description =
    'The OTP that the touch types tells which key it is, and is spent. A key may belong to several accounts, and an ' +
    'account may have several keys. With "password+otp" the base password is typed before the touch, into the same field ' +
    'or its own. Keys from the factory are validated by YubiCloud; keys that were programmed here, by the local store.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> ann@example.org',
    '<%= config.bin %> <%= command.id %> ann@example.org --kind password+otp --services imap,smtp --label "spare key"',
    '<%= config.bin %> <%= command.id %> ann@example.org --validator yubicloud --client-id 12345 --api-key-file /etc/postern/api-key',
  ];
  static override args = {
    account: Args.string({ description: 'Name to log in with.', required: true, ignoreStdin: true }),
  };
  static override flags = {
    ...storeFlags,
    ...validatorFlags,
    ...askFlags,
    ...withEnvironment({
      kind: Flags.option({
        summary: 'A touch alone, or a base password and a touch.',
        options: ['otp', 'password+otp'] as const,
        default: 'otp' as const,
      })(),
      'otp-file': Flags.string({
        summary: 'Read what the touch types from this file; "-" is standard input.',
        helpValue: 'FILE',
      }),
      'password-file': Flags.string({
        summary: 'Read the base password from this private file.',
        helpValue: 'FILE',
      }),
      label: Flags.string({ summary: 'What you call it.', default: '', helpValue: 'TEXT' }),
      services: Flags.string({
        summary: 'Services it is good for, separated by commas; all without it.',
        default: '',
        helpValue: 'LIST',
      }),
      expires: Flags.string({ summary: 'Until when it counts (ISO 8601).', helpValue: 'TIME' }),
      to: Flags.string({
        summary: 'Give the key to this login set instead of making a new one.',
        helpValue: 'ID',
        exclusive: ['password-file', 'expires'],
      }),
    }),
  };

  override async run(): Promise<LoginChangeResult> {
    const { args, flags } = await this.parse(LoginAdd);
    const account = requireAccount(args.account);
    const validator = validatorConfig(flags);
    const services = parseServices(flags.services);
    const expiresMs = flags.expires === undefined ? null : judgeTime(flags.expires, 'expires');
    if (flags['otp-file'] === '-' && flags['password-file'] === '-') throw oneStdin();
    const password =
      flags.kind === 'otp' || flags.to !== undefined
        ? null
        : await readNewPassword({
            file: flags['password-file'],
            flag: 'password-file',
            message: 'Base password:',
            mayAsk: this.mayAsk,
          });
    const typed = await readTouch(flags['otp-file'], this.signal, this.mayAsk);
    if (typed === null) throw noTouch();
    const wanted = {
      account,
      kind: flags.kind,
      label: flags.label.slice(0, 100),
      services,
      expiresMs,
      password,
      validator,
      to: flags.to ?? null,
    };
    const add = async (keys: ServedKeys | undefined, logins: LoginStore, record: Recorder) => {
      const open = validatorOpener(validatorWorld(flags, keys));
      const at = { nowMs: Date.now(), signal: this.signal };
      const added = await addLogin(logins, await open(validator), wanted, typed, at);
      if (added.status === 'ok') await record('login add', account);
      return added;
    };
    // Where nothing is recorded, no key is known either, and nothing is made for it.
    const result =
      validator.kind === 'local'
        ? await withLoginsIfAny(flags, ({ keys, logins, record }) =>
            logins
              ? add(keys, logins, record)
              : Promise.resolve(refusedTouch(account, NOTHING_KNOWN, 'crit')),
          )
        : await withLogins(flags, (text) => this.note(text), add);
    return this.emit(result, renderOutcome);
  }
}

function noTouch(): AppError {
  return new AppError('A touch is needed.', {
    code: 'E_NO_INPUT',
    exit: ExitCode.usage,
    hint: 'Run it on a terminal, or name what the touch typed with --otp-file.',
  });
}

function oneStdin(): AppError {
  return new AppError('There is one standard input, and two things are to come from it.', {
    code: 'E_USAGE',
    exit: ExitCode.usage,
    hint: 'Read the base password from a private file.',
  });
}
