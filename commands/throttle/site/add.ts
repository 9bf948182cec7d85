import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../../src/cli/base.ts';
import { withEnvironment } from '../../../src/cli/flags.ts';
import { renderSite } from '../../../src/cli/render/throttle.ts';
import { askLimits, newSiteName } from '../../../src/cli/throttle-questions.ts';
import { serviceCaller, serviceFlags, servicePath } from '../../../src/cli/throttle-service.ts';
import type { ThrottleSiteChangeResult } from '../../../src/schema/throttle.ts';
import { DEFAULT_PRESET } from '../../../src/throttle/limits.ts';

export default class ThrottleSiteAdd extends BaseCommand {
  static override summary = 'Add a website; it takes 10000/200M, which most keep.';
  static override description =
    'The presets are 10000/200M, 2000/50M, 500/20M, 100/5M and 20/2M: requests and bytes that one client may have in ten minutes. Names that no site has are counted together as the site "other".';
  static override examples = [
    '<%= config.bin %> <%= command.id %> www.example.org --alias example.org',
    '<%= config.bin %> <%= command.id %> forum.example.org --limits 500/20M --note "scraped since May"',
  ];
  static override args = {
    name: Args.string({ description: 'Name of the site; on a terminal it is asked for.', ignoreStdin: true }),
  };
  static override flags = {
    ...withEnvironment({
      limits: Flags.string({ summary: 'A preset, or requests and bytes of your own.', helpValue: 'N/SIZE' }),
      alias: Flags.string({
        summary: 'Another name of the same site; may be given several times.',
        multiple: true,
        helpValue: 'NAME',
      }),
      'error-status': Flags.option({
        summary: 'Status of the error page; 503 for clients that do not know 429.',
        options: ['429', '503'] as const,
      })(),
      budget: Flags.string({
        summary: 'What all clients together may have in ten minutes; beyond it everybody waits a moment.',
        helpValue: 'N/SIZE',
      }),
      note: Flags.string({ summary: 'A note for whoever comes next.', helpValue: 'TEXT' }),
    }),
    ...serviceFlags,
  };

  override async run(): Promise<ThrottleSiteChangeResult> {
    const { args, flags } = await this.parse(ThrottleSiteAdd);
    const name = await newSiteName(args.name, this.mayAsk);
    // Whoever was asked for the name is asked for all of it; the preset that most keep stands first.
    const asked = args.name === undefined && flags.limits === undefined;
    const limits = asked ? await askLimits(DEFAULT_PRESET, this.mayAsk) : flags.limits;
    const ask = serviceCaller<Pick<ThrottleSiteChangeResult, 'site'>>(flags, this.signal);
    const { site } = await ask(servicePath(['sites']), {
      method: 'POST',
      body: {
        name,
        ...(limits !== undefined && { limits }),
        ...(flags.alias && { aliases: flags.alias }),
        ...(flags['error-status'] && { refusal: Number(flags['error-status']) }),
        ...(flags.budget !== undefined && { budget: flags.budget }),
        ...(flags.note !== undefined && { note: flags.note }),
      },
    });
    const summary = `${site.name} has the limits ${site.policy.limits}.`;
    return this.emit({ target: site.name, status: 'ok', summary, checks: [], site }, renderSite);
  }
}
