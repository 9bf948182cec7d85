import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../../src/cli/base.ts';
import { duration, withEnvironment } from '../../../src/cli/flags.ts';
import { storeFlags } from '../../../src/cli/key-store.ts';
import { withLoginsIfAny } from '../../../src/cli/logins.ts';
import { renderNewSession } from '../../../src/cli/render/login.ts';
import { AppError, ExitCode } from '../../../src/errors.ts';
import { newSession, requireAccount } from '../../../src/logins/manage.ts';
import { parseServices } from '../../../src/logins/services.ts';
import { SESSION_MS } from '../../../src/logins/session.ts';
import { parseNetwork } from '../../../src/net/network.ts';
import type { LoginSessionNewResult } from '../../../src/schema/login.ts';

/** Longest time that a session password may count, in milliseconds: a day. */
const MOST_MS = 86_400_000;

export default class LoginSessionNew extends BaseCommand {
  static override summary = 'Make a session password, for a program that logs in again and again.';
  static override description =
    'A program that reads mail connects many times, and cannot touch a key each time. A session password counts for an ' +
    'hour from its first use, for one account and one service. It is shown once; its digest is kept. One that nobody uses ' +
    'within a day is given up.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> ann@example.org --on imap',
    '<%= config.bin %> <%= command.id %> ann@example.org --on imap --for 8h --network 192.0.2.0/24',
  ];
  static override args = {
    account: Args.string({ description: 'Whom it lets in.', required: true, ignoreStdin: true }),
  };
  static override flags = {
    ...storeFlags,
    ...withEnvironment({
      on: Flags.string({ summary: 'Service that it is good for.', default: 'imap', helpValue: 'SERVICE' }),
      for: duration({ summary: 'How long it counts from its first use; 1d at most.', default: SESSION_MS }),
      network: Flags.string({ summary: 'Network that it may be used from.', helpValue: 'NETWORK' }),
    }),
  };

  override async run(): Promise<LoginSessionNewResult> {
    const { args, flags } = await this.parse(LoginSessionNew);
    const wanted = {
      account: requireAccount(args.account),
      service: parseServices(flags.on)[0] ?? 'imap',
      network: networkOf(flags.network),
      lengthMs: Math.min(flags.for, MOST_MS),
    };
    const result = await withLoginsIfAny(flags, async ({ logins, record }) => {
      const made = await newSession(logins, wanted, Date.now());
      if (made.session !== null) await record('login session new', `${wanted.account} ${made.session.id}`);
      return made;
    });
    return this.emit(result, renderNewSession);
  }
}

function networkOf(text: string | undefined): string | null {
  if (text === undefined) return null;
  const network = parseNetwork(text);
  if (network) return network.text;
  throw new AppError(`--network: '${text}' is no network.`, {
    code: 'E_NETWORK',
    exit: ExitCode.usage,
    hint: 'Give an address, or a network such as 192.0.2.0/24.',
  });
}
