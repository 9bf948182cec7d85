import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../../src/cli/base.ts';
import { duration, withEnvironment } from '../../../src/cli/flags.ts';
import { canAsk } from '../../../src/cli/prompt.ts';
import { renderSites } from '../../../src/cli/render/throttle.ts';
import { askLimits, siteOf } from '../../../src/cli/throttle-questions.ts';
import { serviceCaller, serviceFlags, servicePath } from '../../../src/cli/throttle-service.ts';
import { counted } from '../../../src/counted.ts';
import { AppError, ExitCode } from '../../../src/errors.ts';
import type { ThrottlePolicySetResult } from '../../../src/schema/throttle.ts';
import { DEFAULT_PRESET, formatLimits, PRESET_NAMES, parseLimits } from '../../../src/throttle/limits.ts';

function missing(message: string, hint: string): AppError {
  return new AppError(message, { code: 'E_USAGE', exit: ExitCode.usage, hint });
}

export default class ThrottlePolicySet extends BaseCommand {
  static override summary = 'Set what each client may have from a website in ten minutes.';
  static override description =
    'It holds for the next request. With --for the earlier policy comes back by itself. With --all --mode off nobody is refused anywhere any more.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> www.example.org 500/20M',
    '<%= config.bin %> <%= command.id %> www.example.org 20/2M --for 2h',
    '<%= config.bin %> <%= command.id %> www.example.org --mode dry',
    '<%= config.bin %> <%= command.id %> --all --mode off',
  ];
  static override args = {
    site: Args.string({ description: 'Name of the site; not with --all.', ignoreStdin: true }),
    limits: Args.string({ description: 'A preset, or requests and bytes of your own.', ignoreStdin: true }),
  };
  static override flags = {
    ...withEnvironment({
      for: duration({ summary: 'Only for so long; then the earlier policy comes back.' }),
      mode: Flags.option({
        summary: 'Refuse, only report what would be refused, or look away.',
        options: ['enforce', 'dry', 'off'] as const,
      })(),
      all: Flags.boolean({ summary: 'Every site.' }),
    }),
    ...serviceFlags,
  };

  override async run(): Promise<ThrottlePolicySetResult> {
    const { args, flags } = await this.parse(ThrottlePolicySet);
    const given = [args.site, args.limits].filter((each) => each !== undefined);
    const [named, typed] = flags.all ? [undefined, given[0]] : given;
    const asks = canAsk(this.mayAsk);
    const site =
      flags.all || !asks ? named : await siteOf(named, serviceCaller<unknown>(flags, this.signal), true);
    const isMissing = typed === undefined && flags.mode === undefined;
    const limits = isMissing && asks ? await askLimits(DEFAULT_PRESET, this.mayAsk) : typed;
    if (!flags.all && site === undefined) throw missing('There is no site.', 'Name it, or give --all.');
    if (limits === undefined && flags.mode === undefined)
      throw missing(
        'There is neither a limit nor a mode.',
        `Give one of ${PRESET_NAMES.join(', ')}, or --mode.`,
      );
    const ask = serviceCaller<Pick<ThrottlePolicySetResult, 'sites'>>(flags, this.signal);
    const { sites } = await ask(servicePath(site === undefined ? ['policy'] : ['sites', site, 'policy']), {
      method: 'PUT',
      body: {
        ...(limits !== undefined && { limits: formatLimits(parseLimits(limits)) }),
        ...(flags.mode && { mode: flags.mode }),
        ...(flags.for !== undefined && { forSeconds: flags.for / 1000 }),
      },
    });
    const [first] = sites;
    const now = first ? `${first.policy.limits}, mode ${first.policy.mode}` : '';
    const summary =
      site === undefined
        ? `${counted(sites.length, 'site is', 'sites are')} changed.`
        : `${first?.name ?? site} now has ${now}.`;
    return this.emit({ target: site ?? null, status: 'ok', summary, checks: [], sites }, renderSites);
  }
}
