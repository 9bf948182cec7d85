import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Interfaces } from '@oclif/core';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { cannotRead } from '../../src/cli/input.ts';
import { tell } from '../../src/cli/journal.ts';
import { storeFlags, withStores } from '../../src/cli/key-store.ts';
import { renderDone } from '../../src/cli/render/validation.ts';
import { readSecretFile, readSecrets } from '../../src/cli/secrets.ts';
import { askFlags, validatorConfig, validatorFlags, validatorWorld } from '../../src/cli/validators.ts';
import { AppError, ExitCode } from '../../src/errors.ts';
import { makeFolder } from '../../src/folder.ts';
import { startLogins } from '../../src/logins/service.ts';
import { loginWorld } from '../../src/logins/world.ts';
import { addressClass } from '../../src/net/address.ts';
import type { ValidationServeResult } from '../../src/schema/validation.ts';
import { activatedSockets, type Endpoint, formatEndpoint, parseEndpoint } from '../../src/service/address.ts';
import type { Listening } from '../../src/service/listen.ts';
import type { Stores } from '../../src/stores/types.ts';
import { type AdminListening, startAdmin } from '../../src/validation/admin.ts';
import type { Certificate } from '../../src/validation/server.ts';
import { startValidation, type ValidationService } from '../../src/validation/service.ts';
import { validatorOpener } from '../../src/validators/open.ts';

/** How long what is being answered may take when the service stops, in milliseconds. */
const GRACE_MS = 10_000;

/** Refusals of logins are told at multiples of this time, in milliseconds. */
const FAILURE_MS = 400;

const flags = {
  ...storeFlags,
  ...validatorFlags,
  ...askFlags,
  ...withEnvironment({
    listen: Flags.string({
      summary: 'Where clients ask: HOST:PORT, unix:/PATH, or systemd:NAME.',
      default: '127.0.0.1:8416',
      helpValue: 'PLACE',
    }),
    'tls-cert': Flags.string({
      summary: 'Certificate chain in PEM; with it HTTPS is spoken. SIGHUP reads it again.',
      helpValue: 'FILE',
      dependsOn: ['tls-key'],
    }),
    'tls-key': Flags.string({
      summary: 'Private key of the certificate, in PEM.',
      helpValue: 'FILE',
      dependsOn: ['tls-cert'],
    }),
    'plain-http': Flags.boolean({
      summary: 'Speak HTTP without TLS to other machines, too: something before this one does TLS.',
    }),
    delay: Flags.option({
      summary: 'What to do with an OTP that was held back between the touch and now, as a phisher does.',
      options: ['off', 'log', 'reject'] as const,
      default: 'log' as const,
    })(),
    metrics: Flags.string({
      summary: 'Tell figures for Prometheus here: unix:/PATH, systemd:NAME, or HOST:PORT on loopback.',
      helpValue: 'PLACE',
    }),
    'login-listen': Flags.string({
      summary: 'Answer logins here as well: unix:/PATH, systemd:NAME, or HOST:PORT on loopback.',
      helpValue: 'PLACE',
    }),
    'login-token-file': Flags.string({
      summary: 'Private file with the token that callers for logins show.',
      helpValue: 'FILE',
      dependsOn: ['login-listen'],
    }),
    'admin-listen': Flags.string({
      summary: 'Let desks that program keys record them here: HOST:PORT, unix:/PATH, or systemd:NAME.',
      helpValue: 'PLACE',
      dependsOn: ['admin-token-file'],
    }),
    'admin-token-file': Flags.string({
      summary: 'Private file with the token that those desks show.',
      helpValue: 'FILE',
      dependsOn: ['admin-listen'],
    }),
    check: Flags.boolean({ summary: 'Say what would be started, and start nothing.' }),
  }),
};

type ServeFlags = Interfaces.InferredFlags<typeof flags>;

/** Where to listen for what. */
type Endpoints = { readonly verify: Endpoint } & Readonly<
  Record<'metrics' | 'login' | 'admin', Endpoint | undefined>
>;

function isNear(endpoint: Endpoint): boolean {
  return (
    endpoint.kind !== 'tcp' || endpoint.host === 'localhost' || addressClass(endpoint.host) === 'loopback'
  );
}

/** What passes over a network without TLS can be held back and used. */
function requireTls(endpoint: Endpoint, given: ServeFlags, flag: 'listen' | 'admin-listen'): void {
  if (given['tls-cert'] !== undefined || given['plain-http'] || isNear(endpoint)) return;
  throw new AppError(
    `--${flag}: ${formatEndpoint(endpoint)} is reached by other machines, and there is no TLS.`,
    {
      code: 'E_PLAIN_HTTP',
      exit: ExitCode.usage,
      hint: 'Give --tls-cert and --tls-key; where a proxy does TLS, listen on 127.0.0.1 or say --plain-http.',
    },
  );
}

function requireNear(endpoint: Endpoint, flag: string): void {
  if (isNear(endpoint)) return;
  throw new AppError(`--${flag}: this is for programs of the same machine.`, {
    code: 'E_LISTEN',
    exit: ExitCode.usage,
    hint: 'Listen on unix:/PATH, or on 127.0.0.1.',
  });
}

function readPem(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw cannotRead(file, error);
  }
}

function certificateOf({ 'tls-cert': cert, 'tls-key': key }: ServeFlags): Certificate | undefined {
  return cert === undefined || key === undefined ? undefined : { cert: readPem(cert), key: readPem(key) };
}

function endpointOf(text: string | undefined, flag: string): Endpoint | undefined {
  if (text === undefined) return undefined;
  const endpoint = parseEndpoint(text, flag);
  requireNear(endpoint, flag);
  if (endpoint.kind === 'unix') makeFolder(dirname(endpoint.path), 0o755);
  return endpoint;
}

/** Secrets pass there: other machines reach it by TLS alone. */
function adminEndpoint(given: ServeFlags): Endpoint | undefined {
  const text = given['admin-listen'];
  if (text === undefined) return undefined;
  const endpoint = parseEndpoint(text, 'admin-listen');
  requireTls(endpoint, { ...given, 'plain-http': false }, 'admin-listen');
  if (endpoint.kind === 'unix') makeFolder(dirname(endpoint.path), 0o755);
  return endpoint;
}

export default class ValidationServe extends BaseCommand {
  static override summary = 'Run the validation server: say of each one-time password once that it is right.';
  static override description =
    'Speaks the validation protocol 2.0 of YubiCloud, so its clients (pam_yubico, FreeRADIUS, ykclient and others) ' +
    'need another URL and nothing else. An OTP is written down as used before anybody hears that it is right: it is ' +
    'accepted once, whatever is killed when. Several processes may serve one store. What happens is written to ' +
    'standard output, a JSON object a line, without anything that was typed.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --listen 0.0.0.0:443 --tls-cert cert.pem --tls-key key.pem',
    '<%= config.bin %> <%= command.id %> --login-listen unix:/run/postern/login.sock --login-token-file login.token',
  ];
  static override flags = flags;
  static override graceMs = GRACE_MS;

  override async run(): Promise<ValidationServeResult> {
    const { flags: given } = await this.parse(ValidationServe);
    const listen = parseEndpoint(given.listen, 'listen');
    requireTls(listen, given, 'listen');
    const certificate = certificateOf(given);
    const endpoints = {
      verify: listen,
      metrics: endpointOf(given.metrics, 'metrics'),
      login: endpointOf(given['login-listen'], 'login-listen'),
      admin: adminEndpoint(given),
    };
    return withStores(
      given,
      (text) => this.note(text),
      (stores) => this.serveFrom(stores, given, endpoints, certificate),
    );
  }

  private async serveFrom(
    stores: Stores,
    given: ServeFlags,
    endpoints: Endpoints,
    certificate: Certificate | undefined,
  ): Promise<ValidationServeResult> {
    const office = await stores.office();
    const known = { clients: (await office.clients()).length, keys: (await stores.keys.keys()).length };
    const listening = (places: Readonly<Record<string, string | undefined>>) =>
      (['verify', 'metrics', 'login', 'admin'] as const).flatMap((use) => {
        const at = places[use];
        return at === undefined ? [] : [{ for: use, at }];
      });
    const tls = certificate !== undefined;
    if (given.check) {
      const { verify, metrics, login, admin } = endpoints;
      const at = listening({
        verify: formatEndpoint(verify),
        metrics: metrics && formatEndpoint(metrics),
        login: login && formatEndpoint(login),
        admin: admin && formatEndpoint(admin),
      });
      const summary = `The server would listen on ${at.map(({ at: place }) => place).join(', ')}.`;
      return this.conclusion(summary, { listening: at, tls, ...known });
    }
    const started = await this.serve(stores, given, endpoints, certificate);
    return this.conclusion('The server was stopped.', { listening: listening(started), tls, ...known });
  }

  private conclusion(
    summary: string,
    rest: Pick<ValidationServeResult, 'listening' | 'tls' | 'keys' | 'clients'>,
  ): ValidationServeResult {
    return this.emit({ target: null, status: 'ok', summary, checks: [], ...rest }, renderDone);
  }

  private async serve(
    stores: Stores,
    given: ServeFlags,
    endpoints: Endpoints,
    certificate: Certificate | undefined,
  ): Promise<Readonly<Record<string, string | undefined>>> {
    const activated = activatedSockets(process.env, process.pid);
    const { verify, metrics } = endpoints;
    const service = await startValidation({
      store: await stores.validation(),
      listen: verify,
      activated,
      delay: given.delay,
      nowMs: Date.now,
      onEvent: tell,
      ...(metrics && { metrics }),
      ...(certificate && { certificate }),
    });
    const admin =
      endpoints.admin && (await this.startAdmin(stores, given, endpoints.admin, activated, certificate));
    const login = endpoints.login && (await this.startLogins(stores, given, endpoints.login, activated));
    const stopReloading = reloadOn('SIGHUP', admin ? [service, admin] : [service], given);
    const at = {
      verify: service.at,
      metrics: service.metricsAt ?? undefined,
      login: login?.at,
      admin: admin?.at,
    };
    tell({ event: 'started', ...at });
    await this.stopped();
    await Promise.all([service, login, admin].map((each) => each?.close(GRACE_MS - 1000)));
    stopReloading();
    tell({ event: 'stopped' });
    return at;
  }

  private async startAdmin(
    stores: Stores,
    given: ServeFlags,
    at: Endpoint,
    activated: ReadonlyMap<string, number>,
    certificate: Certificate | undefined,
  ): Promise<AdminListening> {
    const token = readSecretFile(given['admin-token-file'] ?? '');
    const office = await stores.office();
    const about = { at, token, activated, certificate, nowMs: Date.now, onEvent: tell };
    return startAdmin({ keys: stores.keys, office, ...about });
  }

  private async startLogins(
    stores: Stores,
    given: ServeFlags,
    at: Endpoint,
    activated: ReadonlyMap<string, number>,
  ): Promise<Listening> {
    const [token] = readSecrets(given['login-token-file'], 'postern-login-token');
    const world = loginWorld({
      store: await stores.logins(),
      open: validatorOpener(validatorWorld(given, stores.keys)),
      usual: validatorConfig(given),
      nowMs: Date.now,
      failureMs: FAILURE_MS,
      signal: this.signal,
    });
    return startLogins({ world, at, token, activated, onEvent: tell });
  }
}

/** Read the certificate again; one that cannot be used leaves the one in use. */
function reloadOn(
  signal: 'SIGHUP',
  services: readonly Pick<ValidationService, 'replaceCertificate'>[],
  given: ServeFlags,
): () => void {
  const reload = () => {
    try {
      const certificate = certificateOf(given);
      if (certificate) for (const service of services) service.replaceCertificate(certificate);
      tell({ event: 'reloaded' });
    } catch (error) {
      tell({ event: 'reload-failed', reason: error instanceof Error ? error.message : String(error) });
    }
  };
  process.on(signal, reload);
  return () => process.removeListener(signal, reload);
}
