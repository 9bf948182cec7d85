import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../../src/cli/base.ts';
import { renderSiteShow } from '../../../src/cli/render/throttle.ts';
import { siteOf } from '../../../src/cli/throttle-questions.ts';
import { serviceCaller, serviceFlags, servicePath } from '../../../src/cli/throttle-service.ts';
import type { ThrottleSiteShowResult } from '../../../src/schema/throttle.ts';

export default class ThrottleSiteShow extends BaseCommand {
  static override summary = 'Show a website: its policy, and what was served and refused.';
  static override description =
    'Requests and bytes of the last ten minutes, the last day and the last 30 days.';
  static override examples = ['<%= config.bin %> <%= command.id %> www.example.org'];
  static override args = {
    name: Args.string({ description: 'Name of the site; on a terminal it is asked for.', ignoreStdin: true }),
  };
  static override flags = { ...serviceFlags };

  override async run(): Promise<ThrottleSiteShowResult> {
    const { args, flags } = await this.parse(ThrottleSiteShow);
    const ask = serviceCaller<Pick<ThrottleSiteShowResult, 'site' | 'traffic' | 'blocked'>>(
      flags,
      this.signal,
    );
    const name = await siteOf(args.name, serviceCaller<unknown>(flags, this.signal), this.mayAsk);
    const shown = await ask(servicePath(['sites', name]));
    const summary = `${shown.site.name} has the limits ${shown.site.policy.limits}; ${shown.blocked} blocked now.`;
    return this.emit(
      { target: shown.site.name, status: 'ok', summary, checks: [], ...shown },
      renderSiteShow,
    );
  }
}
