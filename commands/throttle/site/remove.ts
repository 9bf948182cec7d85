import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../../src/cli/base.ts';
import { renderSummary } from '../../../src/cli/render/throttle.ts';
import { siteOf } from '../../../src/cli/throttle-questions.ts';
import { serviceCaller, serviceFlags, servicePath } from '../../../src/cli/throttle-service.ts';
import type { ThrottleSiteChangeResult } from '../../../src/schema/throttle.ts';

export default class ThrottleSiteRemove extends BaseCommand {
  static override summary = 'Remove a website; its names are counted as the site "other" from then on.';
  static override description = 'Blocks of the site end with it.';
  static override examples = ['<%= config.bin %> <%= command.id %> old.example.org'];
  static override args = {
    name: Args.string({ description: 'Name of the site; on a terminal it is asked for.', ignoreStdin: true }),
  };
  static override flags = { ...serviceFlags };

  override async run(): Promise<ThrottleSiteChangeResult> {
    const { args, flags } = await this.parse(ThrottleSiteRemove);
    const ask = serviceCaller<Pick<ThrottleSiteChangeResult, 'site'>>(flags, this.signal);
    const name = await siteOf(args.name, serviceCaller<unknown>(flags, this.signal), this.mayAsk);
    const { site } = await ask(servicePath(['sites', name]), { method: 'DELETE' });
    const summary = `${site.name} is removed.`;
    return this.emit({ target: site.name, status: 'ok', summary, checks: [], site }, renderSummary);
  }
}
