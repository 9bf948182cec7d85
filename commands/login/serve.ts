import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { tell } from '../../src/cli/journal.ts';
import { storeFlags } from '../../src/cli/key-store.ts';
import { withLogins, withLoginsIfAny } from '../../src/cli/logins.ts';
import { renderOutcome } from '../../src/cli/render/login.ts';
import { readSecrets } from '../../src/cli/secrets.ts';
import { askFlags, validatorConfig, validatorFlags, validatorWorld } from '../../src/cli/validators.ts';
import { startLogins } from '../../src/logins/service.ts';
import { loginWorld } from '../../src/logins/world.ts';
import type { LoginServeResult } from '../../src/schema/login.ts';
import { activatedSockets, formatEndpoint, parseEndpoint } from '../../src/service/address.ts';
import { validatorOpener } from '../../src/validators/open.ts';

/** How long what is being answered may take when the service stops, in milliseconds. */
const GRACE_MS = 10_000;

/** Refusals are told at multiples of this time, in milliseconds. */
const FAILURE_MS = 400;

export default class LoginServe extends BaseCommand {
  static override summary = 'Answer logins of mail servers and web pages on this machine.';
  static override description =
    'Dovecot asks by "postern-checkpassword" or by Lua, a web page over HTTP. Callers show a token, and nobody on ' +
    'another machine can reach it. All refusals are alike in text and time; when a validation service cannot tell, it is ' +
    'a temporary failure. What happens is written to standard output, a JSON object a line, without passwords and OTPs.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --token-file /etc/postern/login.token',
    '<%= config.bin %> <%= command.id %> --listen 127.0.0.1:8417 --token-file /etc/postern/login.token',
  ];
  static override flags = {
    ...storeFlags,
    ...validatorFlags,
    ...askFlags,
    ...withEnvironment({
      listen: Flags.string({
        summary: 'Where to listen: unix:/PATH, systemd:NAME, or HOST:PORT on loopback.',
        default: 'unix:/run/postern/login.sock',
        helpValue: 'PLACE',
      }),
      'token-file': Flags.string({
        summary: 'Private file with the token that callers show.',
        helpValue: 'FILE',
      }),
      check: Flags.boolean({ summary: 'Say what would be started, and start nothing.' }),
    }),
  };
  static override graceMs = GRACE_MS;

  override async run(): Promise<LoginServeResult> {
    const { flags } = await this.parse(LoginServe);
    const endpoint = parseEndpoint(flags.listen, 'listen');
    const [token] = readSecrets(flags['token-file'], 'postern-login-token');
    const usual = validatorConfig(flags);
    if (flags.check) {
      const logins = await withLoginsIfAny(
        flags,
        async (stores) => (await stores.logins?.find({}))?.length ?? 0,
      );
      const at = formatEndpoint(endpoint);
      return this.conclusion(`Logins would be answered at ${at}.`, at, logins);
    }
    return withLogins(
      flags,
      (text) => this.note(text),
      async (keys, store) => {
        const count = (await store.find({})).length;
        const open = validatorOpener(validatorWorld(flags, keys));
        const world = { store, open, usual, nowMs: Date.now, failureMs: FAILURE_MS, signal: this.signal };
        const at = await this.serve({
          world: loginWorld(world),
          at: endpoint,
          token,
          activated: activatedSockets(process.env, process.pid),
          onEvent: tell,
        });
        return this.conclusion('The service was stopped.', at, count);
      },
    );
  }

  private conclusion(summary: string, at: string, logins: number): LoginServeResult {
    return this.emit({ target: null, status: 'ok', summary, checks: [], at, logins }, renderOutcome);
  }

  private async serve(options: Parameters<typeof startLogins>[0]): Promise<string> {
    const listening = await startLogins(options);
    tell({ event: 'started', at: listening.at });
    await this.stopped();
    await listening.close(GRACE_MS - 1000);
    tell({ event: 'stopped' });
    return listening.at;
  }
}
