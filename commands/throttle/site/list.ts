import { BaseCommand } from '../../../src/cli/base.ts';
import { renderSites } from '../../../src/cli/render/throttle.ts';
import { serviceCaller, serviceFlags, servicePath } from '../../../src/cli/throttle-service.ts';
import type { ThrottleSiteListResult } from '../../../src/schema/throttle.ts';

export default class ThrottleSiteList extends BaseCommand {
  static override summary = 'List the websites and the policy of each.';
  static override description =
    'The site "other" takes every name that no site has, so that invented names share one quota.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --json',
  ];
  static override flags = { ...serviceFlags };

  override async run(): Promise<ThrottleSiteListResult> {
    const { flags } = await this.parse(ThrottleSiteList);
    const ask = serviceCaller<Pick<ThrottleSiteListResult, 'sites'>>(flags, this.signal);
    const { sites } = await ask(servicePath(['sites']));
    const summary = sites.length === 1 ? 'There is 1 site.' : `There are ${sites.length} sites.`;
    return this.emit({ target: null, status: 'ok', summary, checks: [], sites }, renderSites);
  }
}
