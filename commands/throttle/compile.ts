import { join, resolve } from 'node:path';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { fileOutput } from '../../src/cli/output.ts';
import { renderCompile } from '../../src/cli/render/throttle.ts';
import { serviceCaller, serviceFlags, servicePath } from '../../src/cli/throttle-service.ts';
import { AppError, ExitCode } from '../../src/errors.ts';
import { makeFolder } from '../../src/folder.ts';
import { type Check, worst } from '../../src/report.ts';
import type { ThrottleCompileResult, ThrottleService } from '../../src/schema/throttle.ts';
import type { Peer } from '../../src/throttle/compile/haproxy.ts';
import type { CompilePlan, Mode, Target, Way } from '../../src/throttle/compile/target.ts';
import { TARGETS } from '../../src/throttle/compile/targets.ts';
import { checkTrusted } from '../../src/throttle/compile/trusted.ts';

/** Where the units of systemd have the decision server. */
const DECISION = 'unix:/run/postern/decision.sock';

const NAMES = Object.keys(TARGETS) as (keyof typeof TARGETS)[];

/** A place as the servers write it: nothing that would begin another directive. */
function place(text: string, flag: string): string {
  if (/^[\w.:*/[\]-]{1,200}$/.test(text)) return text;
  throw new AppError(`--${flag}: '${text}' is no place.`, {
    code: 'E_LISTEN',
    exit: ExitCode.usage,
    hint: 'Write HOST:PORT, or unix:/PATH for --decision.',
  });
}

/** One machine that shares blocks. */
function peerOf(text: string): Peer {
  const [, name = '', at = ''] = /^([\w.-]{1,64})=(.+)$/.exec(text) ?? [];
  if (name !== '') return { name, at: place(at, 'peer') };
  throw new AppError(`--peer: '${text}' is no peer.`, {
    code: 'E_LISTEN',
    exit: ExitCode.usage,
    hint: 'Write NAME=HOST:PORT, such as web1=192.0.2.1:10000.',
  });
}

/** The way that is asked for. @throws AppError E_MODE (exit 64) */
function wayOf(name: string, { ways }: Target, mode: Mode | undefined): Way {
  const modes = Object.keys(ways) as Mode[];
  const way = ways[mode ?? modes[0] ?? 'auth'];
  if (way !== undefined) return way;
  throw new AppError(`--mode: ${name} knows no '${mode}'.`, {
    code: 'E_MODE',
    exit: ExitCode.usage,
    hint: `It knows ${modes.join(' and ')}.`,
  });
}

/** The flag that says where the service writes for a server. */
function blocksFlag(target: string, mode: Mode | undefined) {
  if (target === 'apache' || target === 'nftables') return `${target}-dir` as const;
  return mode === 'lua' ? 'lua-dir' : 'nginx-dir';
}

function folderFor(out: string): string {
  const folder = resolve(out);
  if (/^[\w./-]+$/.test(folder)) {
    makeFolder(folder, 0o755);
    return folder;
  }
  throw new AppError(`--out: '${out}' cannot be written in a configuration.`, {
    code: 'E_OUT',
    exit: ExitCode.usage,
    hint: 'Choose a path of letters, digits, dots and dashes.',
  });
}

export default class ThrottleCompile extends BaseCommand {
  static override summary = 'Write the configuration with which another server enforces the policies.';
  static override description =
    'For "haproxy" (2.6 or later) a whole configuration with maps of the sites and limits as the service has them: ' +
    'HAProxy counts and blocks by itself, in windows of the clock. For "nginx" a part to include: with --mode log the ' +
    'service reads the log and writes the blocks, which costs next to nothing and refuses a second late; with --mode ' +
    'auth nginx asks the decision server before it serves, which is exact and costs more than serving a small file; with ' +
    '--mode lua it counts by itself, exactly, in windows of the clock. ' +
    'For "caddy" (2.6 or later) directives to import, which ask the decision server. For "traefik" (2.11 or 3) ' +
    'the same by its forwardAuth; that was made from its documentation and not tried with Traefik itself. For "apache" ' +
    '(2.4.34 or later) a part for each virtual host and one that includes it: the service reads the log and writes maps, ' +
    'which Apache looks up without a reload. For "nftables" a table that drops the packets of clients that go on asking.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> haproxy --out /etc/haproxy/postern --bind :80 --server 127.0.0.1:8080',
    '<%= config.bin %> <%= command.id %> nginx --out /etc/nginx/postern --decision unix:/run/postern/decision.sock',
    '<%= config.bin %> <%= command.id %> caddy --out /etc/caddy/postern --check',
    '<%= config.bin %> <%= command.id %> nftables --out /etc/postern/nftables --check',
  ];
  static override args = {
    target: Args.string({
      description: 'The server.',
      options: NAMES,
      required: true,
      ignoreStdin: true,
    }),
  };
  static override flags = {
    ...withEnvironment({
      out: Flags.string({ summary: 'Folder for the files.', required: true, helpValue: 'DIR' }),
      bind: Flags.string({
        summary: 'Where the server listens.',
        default: '127.0.0.1:8000',
        helpValue: 'PLACE',
      }),
      server: Flags.string({
        summary: 'Web server behind it.',
        default: '127.0.0.1:8080',
        helpValue: 'PLACE',
      }),
      mode: Flags.option({
        summary:
          'How the server knows whom to refuse: by itself, from its log, or by asking before each request; nginx can do the last two, by default from its log, and count by itself in Lua.',
        options: ['native', 'log', 'auth', 'lua'] as const,
      })(),
      'access-log': Flags.string({
        summary: 'The log that the server writes for the service; by default in its folder of /var/log.',
        // As it was called while nginx was the only one.
        aliases: ['nginx-log'],
        helpValue: 'FILE',
      }),
      'nginx-dir': Flags.string({
        summary: 'Where the service writes the blocks for nginx.',
        default: '/var/lib/postern/throttle/nginx',
        helpValue: 'DIR',
      }),
      'lua-dir': Flags.string({
        summary: 'Where the service writes what nginx with Lua needs.',
        default: '/var/cache/postern/lua',
        helpValue: 'DIR',
      }),
      'apache-dir': Flags.string({
        summary: 'Where the service writes the blocks for Apache.',
        default: '/var/cache/postern/apache',
        helpValue: 'DIR',
      }),
      'nftables-dir': Flags.string({
        summary: 'Where the service writes whom to drop.',
        default: '/var/lib/postern/throttle/nftables',
        helpValue: 'DIR',
      }),
      peer: Flags.string({
        summary:
          'HAProxy that shares blocks, this one with them, as NAME=HOST:PORT; may be given several times.',
        multiple: true,
        helpValue: 'PEER',
      }),
      'local-peer': Flags.string({
        summary: 'Which of them this one is.',
        helpValue: 'NAME',
        dependsOn: ['peer'],
      }),
      check: Flags.boolean({ summary: "Let the server's own checker judge what was written." }),
      decision: Flags.string({
        summary:
          'The decision server that is asked; by default unix:/run/postern/decision.sock, for Traefik 127.0.0.1:8181.',
        helpValue: 'PLACE',
      }),
      'trusted-proxy': Flags.string({
        summary: 'Believe X-Forwarded-For of this network; may be given several times.',
        multiple: true,
        helpValue: 'NETWORK',
      }),
    }),
    ...serviceFlags,
  };

  override async run(): Promise<ThrottleCompileResult> {
    const { args, flags } = await this.parse(ThrottleCompile);
    const target: Target = TARGETS[args.target as keyof typeof TARGETS];
    const way = wayOf(args.target, target, flags.mode);
    const folder = folderFor(flags.out);
    const blocks = blocksFlag(args.target, flags.mode);
    const ask = serviceCaller<unknown>(flags, this.signal);
    const trusted = (flags['trusted-proxy'] ?? []).map((each) => place(each, 'trusted-proxy'));
    const { service } = (await ask(servicePath(['status']))) as { service: ThrottleService };
    const files = way.compile({
      bind: place(flags.bind, 'bind'),
      server: place(flags.server, 'server'),
      trusted,
      decision: place(flags.decision ?? target.decision ?? DECISION, 'decision'),
      log: place(flags['access-log'] ?? target.log ?? '/dev/null', 'access-log'),
      blocks: place(flags[blocks], blocks),
      windowSeconds: service.windowSeconds,
      blockSeconds: service.blockSeconds,
      ipv6Prefix: service.ipv6Prefix,
      trustedProxies: service.trustedProxies,
      ...((await ask(servicePath(['sites']))) as Pick<CompilePlan, 'sites'>),
      ...((await ask(servicePath(['exemptions']))) as Pick<CompilePlan, 'exemptions'>),
      folder,
      peers: (flags.peer ?? []).map(peerOf),
      localPeer: flags['local-peer'] === undefined ? null : place(flags['local-peer'], 'local-peer'),
    });
    for (const [name, content] of files) {
      const sink = fileOutput(join(folder, name));
      sink.write(content);
      sink.finish();
    }
    const names = [...files.keys()].map((name) => join(folder, name));
    const checks: Check[] = [
      { id: 'throttle.compile.front', status: 'ok', ...way.shortcomings },
      ...(way.proxies ? checkTrusted(way.proxies, trusted, service.trustedProxies) : []),
      ...(flags.check ? [way.check(names[0] ?? '', process.env)] : []),
    ];
    const summary = `${names.length === 1 ? '1 file is' : `${names.length} files are`} written to ${folder}.`;
    return this.emit(
      {
        target: args.target,
        status: worst(checks.map(({ status }) => status)),
        summary,
        checks,
        files: names,
      },
      renderCompile,
    );
  }
}
