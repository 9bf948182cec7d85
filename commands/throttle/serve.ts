import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Interfaces } from '@oclif/core';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { dashboardAssets } from '../../src/cli/dashboard-assets.ts';
import { duration, withEnvironment } from '../../src/cli/flags.ts';
import { tell } from '../../src/cli/journal.ts';
import { redisFrom } from '../../src/cli/key-store.ts';
import { renderServe } from '../../src/cli/render/throttle.ts';
import { readSecretFile } from '../../src/cli/secrets.ts';
import { DEFAULT_SERVICE } from '../../src/cli/throttle-service.ts';
import { AppError, ExitCode } from '../../src/errors.ts';
import { makeFolder } from '../../src/folder.ts';
import { type Network, parseNetwork } from '../../src/net/network.ts';
import { nameOfRedis } from '../../src/redis/place.ts';
import type { ThrottleServeResult, ThrottleService } from '../../src/schema/throttle.ts';
import { activatedSockets, type Endpoint, formatEndpoint, parseEndpoint } from '../../src/service/address.ts';
import type { Gate } from '../../src/service/api.ts';
import { type Right, Tokens } from '../../src/service/tokens.ts';
import { parseRoot } from '../../src/throttle/files.ts';
import { type FrontOptions, parseOrigin } from '../../src/throttle/front.ts';
import { type ServiceOptions, startThrottle } from '../../src/throttle/service.ts';
import { notShared } from '../../src/throttle/share/link.ts';
import { openSqliteStore } from '../../src/throttle/sqlite-store.ts';

/** How long what is being answered may take when the service stops, in milliseconds. */
const GRACE_MS = 10_000;

/** The document that describes the API. */
const OPEN_API = 'throttle-openapi.json';

const flags = withEnvironment({
  listen: Flags.string({
    summary:
      'Where administrators ask: unix:/PATH (its mode is the permission), systemd:NAME, or HOST:PORT with tokens.',
    default: DEFAULT_SERVICE,
    helpValue: 'PLACE',
  }),
  'token-file': Flags.string({
    summary: 'File with the token that may change things, for HOST:PORT.',
    helpValue: 'FILE',
  }),
  'read-token-file': Flags.string({ summary: 'File with a token that may only read.', helpValue: 'FILE' }),
  front: Flags.string({
    summary: 'Answer web clients here with the built-in front; for small sites and trials.',
    helpValue: 'PLACE',
  }),
  origin: Flags.string({
    summary: 'Web server behind the built-in front.',
    helpValue: 'URL',
    dependsOn: ['front'],
    exclusive: ['root'],
  }),
  root: Flags.string({
    summary: 'Folder whose files the built-in front gives out, in place of a web server.',
    helpValue: 'DIR',
    dependsOn: ['front'],
  }),
  'trusted-proxy': Flags.string({
    summary: 'Believe X-Forwarded-For of this network; may be given several times.',
    multiple: true,
    helpValue: 'NETWORK',
  }),
  decision: Flags.string({
    summary: 'Answer other servers that ask before they serve, such as nginx, Caddy and Traefik.',
    helpValue: 'PLACE',
  }),
  'access-log': Flags.string({
    summary:
      'Read this log of a web server as it grows, as "throttle compile" has it written; may be given several times.',
    multiple: true,
    // As it was called while nginx was the only one.
    aliases: ['nginx-log'],
    helpValue: 'FILE',
  }),
  'nginx-dir': Flags.string({
    summary: 'Write the blocks for nginx here.',
    helpValue: 'DIR',
    dependsOn: ['access-log'],
  }),
  'lua-dir': Flags.string({
    summary: 'Write here what nginx with Lua needs.',
    helpValue: 'DIR',
    dependsOn: ['access-log'],
  }),
  'apache-dir': Flags.string({
    summary: 'Write the blocks for Apache here.',
    helpValue: 'DIR',
    dependsOn: ['access-log'],
  }),
  'nftables-dir': Flags.string({
    summary: 'Write here whose packets are to be dropped, for "throttle compile nftables".',
    helpValue: 'DIR',
  }),
  'drop-after': Flags.integer({
    summary: 'So many refused requests in one block, and packets are dropped.',
    default: 100,
    min: 1,
    helpValue: 'N',
  }),
  haproxy: Flags.string({
    summary: 'Keep the HAProxy with this stats socket in step; may be given several times.',
    multiple: true,
    helpValue: 'FILE',
  }),
  database: Flags.string({ summary: 'Where sites, blocks and figures are kept.', helpValue: 'FILE' }),
  share: Flags.string({
    summary:
      'Count together with other machines by this Redis or Valkey server: rediss://[USER@]HOST[:PORT][/NUMBER]; redis:// on loopback.',
    helpValue: 'URL',
  }),
  'share-password-file': Flags.string({
    summary: 'Private file with the password for --share; REDISCLI_AUTH counts without it.',
    helpValue: 'FILE',
    dependsOn: ['share'],
  }),
  window: Flags.option({
    summary: 'Count the last ten minutes at any time, or from one full ten minutes of the clock to the next.',
    options: ['sliding', 'aligned'] as const,
    default: 'sliding' as const,
  })(),
  'window-length': duration({ summary: 'Count so long, in whole seconds; for trials.', default: 600_000 }),
  'block-length': duration({ summary: 'Block for so long.', default: 600_000 }),
  'ipv6-prefix': Flags.integer({
    summary: 'Bits of an IPv6 address that make one client.',
    default: 64,
    min: 1,
    max: 128,
    helpValue: 'BITS',
  }),
  'exempt-loopback': Flags.boolean({
    summary: 'Never refuse this machine itself.',
    default: true,
    allowNo: true,
  }),
  check: Flags.boolean({ summary: 'Say what would be started, and start nothing.' }),
});

type ServeFlags = Interfaces.InferredFlags<typeof flags>;

function networkOf(text: string): Network {
  const network = parseNetwork(text);
  if (network) return network;
  throw new AppError(`--trusted-proxy: '${text}' is no network.`, {
    code: 'E_NETWORK',
    exit: ExitCode.usage,
    hint: 'Give an address, or a network such as 192.0.2.0/24.',
  });
}

/** What is behind the built-in front. @throws AppError E_ORIGIN, E_ROOT (exit 64) */
function originOf({ front, origin, root }: ServeFlags): FrontOptions['origin'] | undefined {
  if (origin !== undefined) return parseOrigin(origin);
  if (root !== undefined) return { root: parseRoot(root) };
  if (front === undefined) return undefined;
  throw new AppError('--front: there is nothing behind it.', {
    code: 'E_ORIGIN',
    exit: ExitCode.usage,
    hint: 'Name a web server with --origin, or a folder with --root.',
  });
}

/** The tokens as the files have them now. @throws AppError E_TOKEN, or what reading them throws */
function tokensIn(given: ServeFlags): readonly (readonly [string, Right])[] {
  const files = [
    [given['token-file'], 'write'],
    [given['read-token-file'], 'read'],
  ] as const;
  return files.flatMap(([file, right]) =>
    file === undefined ? [] : [[readSecretFile(file), right] as const],
  );
}

/** What is demanded of callers over TCP. */
function gateOf(given: ServeFlags, admin: Endpoint): Gate | undefined {
  if (admin.kind !== 'tcp') return undefined;
  if (given['token-file'] === undefined) {
    throw new AppError('--listen: over TCP callers need a token.', {
      code: 'E_TOKEN',
      exit: ExitCode.usage,
      hint: 'Name a file with one with --token-file, or listen on unix:/PATH.',
    });
  }
  const tokens = new Tokens();
  tokens.replace(tokensIn(given));
  return {
    tokens,
    hosts: new Set([admin.host.includes(':') ? `[${admin.host}]` : admin.host.toLowerCase(), 'localhost']),
  };
}

function databaseFile(given: string | undefined, env: NodeJS.ProcessEnv): string {
  if (given !== undefined) return given;
  const state = env['STATE_DIRECTORY'] ?? env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state');
  return join(state, env['STATE_DIRECTORY'] === undefined ? 'postern' : '', 'throttle.db');
}

function planned(
  given: ServeFlags,
  endpoints: readonly [ThrottleService['listening'][number]['for'], Endpoint][],
  share: ReturnType<typeof redisFrom> | undefined,
): ThrottleService {
  const since = new Date().toISOString();
  return {
    version: '',
    since,
    window: given.window,
    windowSeconds: given['window-length'] / 1000,
    blockSeconds: given['block-length'] / 1000,
    ipv6Prefix: given['ipv6-prefix'],
    trustedProxies: (given['trusted-proxy'] ?? []).map((each) => networkOf(each).text),
    listening: endpoints.map(([use, endpoint]) => ({ for: use, at: formatEndpoint(endpoint) })),
    sites: 0,
    blocks: 0,
    tracked: 0,
    evictedLive: 0,
    evictedMaxShare: 0,
    storeFailures: 0,
    heaviest: [],
    countersSaved: null,
    share: share === undefined ? null : notShared(nameOfRedis(share.server), since, 'nothing is started'),
  };
}

export default class ThrottleServe extends BaseCommand {
  static override summary = 'Run the throttle: count what each client gets, and refuse who had too much.';
  static override description =
    'Keeps sites, policies, exemptions and blocks, answers the other throttle commands on a socket, and refuses ' +
    'clients: by the built-in front, a small reverse proxy, or through a web server that asks before it serves. What ' +
    'happens is written to standard output, a JSON object a line. The built-in front costs about ten times the ' +
    'processor time of nginx. With --share several machines count together; each decides by itself, and goes on when ' +
    'that server is away. It stops by SIGTERM or Ctrl-C, and lets what is being answered end; ' +
    'by SIGHUP it reads the files with tokens again.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --front 0.0.0.0:80 --origin http://127.0.0.1:8080',
    '<%= config.bin %> <%= command.id %> --front 0.0.0.0:80 --root /srv/www',
    '<%= config.bin %> <%= command.id %> --listen systemd:admin --decision unix:/run/postern/decision.sock',
    '<%= config.bin %> <%= command.id %> --share rediss://throttle@redis.example.org --share-password-file password',
  ];
  static override flags = flags;
  static override graceMs = GRACE_MS;

  override async run(): Promise<ThrottleServeResult> {
    const { flags: given } = await this.parse(ThrottleServe);
    const admin = parseEndpoint(given.listen, 'listen');
    const front = given.front === undefined ? undefined : parseEndpoint(given.front, 'front');
    const decision = given.decision === undefined ? undefined : parseEndpoint(given.decision, 'decision');
    const gate = gateOf(given, admin);
    const trusted = (given['trusted-proxy'] ?? []).map(networkOf);
    const origin = originOf(given);
    const share =
      given.share === undefined
        ? undefined
        : redisFrom(given.share, 'share', given['share-password-file'], process.env);
    if (given.check) {
      const endpoints = [
        ['admin', admin] as const,
        ...(decision ? [['decision', decision] as const] : []),
        ...(front ? [['front', front] as const] : []),
      ].map(([use, endpoint]): [typeof use, Endpoint] => [use, endpoint]);
      const service = { ...planned(given, endpoints, share), version: this.config.version };
      const summary = `The service would listen on ${endpoints.map(([, each]) => formatEndpoint(each)).join(', ')}.`;
      return this.emit({ target: null, status: 'ok', summary, checks: [], service }, renderServe);
    }
    if (admin.kind === 'unix') makeFolder(dirname(admin.path), 0o755);
    const database = databaseFile(given.database, process.env);
    const service = await this.serve(
      {
        version: this.config.version,
        store: await openSqliteStore(database),
        ...(database !== ':memory:' && { countersFile: `${database}.counters` }),
        dashboard: {
          assets: dashboardAssets(this.config.root),
          random: () => randomBytes(32).toString('base64url'),
        },
        openApi: readFileSync(join(this.config.root, 'data', OPEN_API), 'utf8'),
        wall: () => Date.now(),
        monotonic: () => performance.now(),
        seed: randomBytes(4).readUInt32LE(),
        admin,
        activated: activatedSockets(process.env, process.pid),
        window: given.window,
        windowMs: given['window-length'],
        blockMs: given['block-length'],
        prefix: given['ipv6-prefix'],
        exemptLoopback: given['exempt-loopback'],
        onEvent: tell,
        ...(gate && { gate }),
        ...(decision && { decision }),
        ...(share && {
          share: { ...share, life: randomBytes(9).toString('base64url'), random: Math.random },
        }),
        ...(given.haproxy && { haproxy: given.haproxy }),
        trusted,
        logs: given['access-log'] ?? [],
        ...(given['nginx-dir'] !== undefined && { nginxFolder: given['nginx-dir'] }),
        ...(given['lua-dir'] !== undefined && { luaFolder: given['lua-dir'] }),
        ...(given['apache-dir'] !== undefined && { apacheFolder: given['apache-dir'] }),
        ...(given['nftables-dir'] !== undefined && {
          drop: { folder: given['nftables-dir'], after: given['drop-after'] },
        }),
        ...(front && origin && { front: { at: front, origin, trusted } }),
      },
      () => gate?.tokens.replace(tokensIn(given)),
    );
    return { target: null, status: 'ok', summary: 'The service was stopped.', checks: [], service };
  }

  private async serve(options: ServiceOptions, reload: () => void): Promise<ThrottleService> {
    // Before anybody is told that it runs: without a listener the signal ends the process.
    const onHangup = () => tell(reloaded(reload));
    process.on('SIGHUP', onHangup);
    const daemon = await startThrottle(options).catch((error: unknown) => {
      process.removeListener('SIGHUP', onHangup);
      throw error;
    });
    tell({ event: 'started', ...daemon.describe() });
    await this.stopped();
    process.removeListener('SIGHUP', onHangup);
    const last = daemon.describe();
    await daemon.stop(GRACE_MS - 1000);
    tell({ event: 'stopped' });
    return last;
  }
}

/** Read the tokens again; where that fails the old ones hold. */
function reloaded(reload: () => void): { readonly event: string; readonly message?: string } {
  try {
    reload();
    return { event: 'tokens read again' };
  } catch (error) {
    return { event: 'tokens kept', message: (error as Error).message };
  }
}
