import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { readAccessLogs } from '../../src/cli/access-logs.ts';
import { BaseCommand } from '../../src/cli/base.ts';
import { FINDING_FORMATS, formatFlag, withEnvironment } from '../../src/cli/flags.ts';
import { renderSimulation } from '../../src/cli/render/throttle-simulate.ts';
import { AppError, ExitCode } from '../../src/errors.ts';
import type { ThrottleSimulateResult } from '../../src/schema/throttle.ts';
import { judgeSimulation } from '../../src/throttle/judge.ts';
import { Simulation } from '../../src/throttle/simulate.ts';
import { siteName } from '../../src/throttle/site-name.ts';

/** Most logs in one run: each has a number of its own in two bytes. */
const MOST_FILES = 65_535;

function knownSite(text: string): string {
  const name = siteName(text);
  if (name !== null) return name;
  throw new AppError(`--site: '${text}' is no name of a site.`, {
    code: 'E_SITE',
    exit: ExitCode.usage,
    hint: 'Give a host name, such as www.example.org.',
  });
}

export default class ThrottleSimulate extends BaseCommand {
  static override summary =
    'Say from access logs whom each preset would have blocked, and which one to take.';
  static override description =
    'Plays the logs through the engine of the service, once for each preset: who would have been blocked, when, by ' +
    'which limit, and what would have been refused. Clients that read like a person with a browser are told apart ' +
    'from programs: their requests are what a limit costs. Formats are recognised: common, combined, with virtual ' +
    'host, JSON of nginx, Caddy and Traefik, HAProxy, W3C; gzip and Zstandard. Lines that cannot be read are counted. ' +
    'Logs in common and combined format give the size without header fields, some 300 bytes less a request.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> /var/log/nginx/access.log',
    '<%= config.bin %> <%= command.id %> access.log.2.gz access.log.1 access.log --site www.example.org --json',
    '<%= config.bin %> <%= command.id %> access.log --format html --output demand.html',
    '<%= config.bin %> <%= command.id %> access.log --attacker 192.0.2.0/24 --window aligned',
  ];
  static override targets = 'file' as const;
  static override args = {
    log: Args.string({
      description: 'Access log, older ones first; "-" for standard input.',
      multiple: true,
      required: true,
      ignoreStdin: true,
    }),
  };
  static override flags = withEnvironment({
    window: Flags.option({
      summary:
        'Count the last ten minutes at any time, or from one full ten minutes of the clock to the next.',
      options: ['sliding', 'aligned'] as const,
      default: 'sliding' as const,
    })(),
    site: Flags.string({ summary: 'Look at this site alone, in a log of several.', helpValue: 'NAME' }),
    attacker: Flags.string({
      summary: 'Whom to catch: an address, a network, or top:N; else whoever hammers and is no person.',
      helpValue: 'WHO',
    }),
    'ipv6-prefix': Flags.integer({
      summary: 'Bits of an IPv6 address that make one client.',
      default: 64,
      min: 1,
      max: 128,
      helpValue: 'BITS',
    }),
    format: formatFlag(['text', 'json', 'html', ...FINDING_FORMATS]),
  });

  override async run(): Promise<ThrottleSimulateResult> {
    const { args, flags } = await this.parse(ThrottleSimulate);
    const files = args.log.slice(0, MOST_FILES);
    const site = flags.site === undefined ? undefined : knownSite(flags.site);
    const simulation = new Simulation({
      window: flags.window,
      prefix: flags['ipv6-prefix'],
      ...(site !== undefined && { site }),
    });
    const reading = await readAccessLogs(files, simulation);
    const result = judgeSimulation(simulation.finish(), reading, {
      window: flags.window,
      site: site ?? null,
      attacker: flags.attacker ?? null,
    });
    const { simulationHtml } = await import('../../src/cli/render/throttle-simulate-html.ts');
    this.emit(result, { text: renderSimulation, html: simulationHtml });
    if (result.totals.requests > 0)
      this.next(`postern throttle policy set ${site ?? 'SITE'} ${result.recommendation.preset}`);
    return result;
  }
}
