import { BaseCommand } from '../../../src/cli/base.ts';
import { renderSites } from '../../../src/cli/render/throttle.ts';
import { serviceCaller, serviceFlags, servicePath } from '../../../src/cli/throttle-service.ts';
import type { ThrottlePolicyListResult } from '../../../src/schema/throttle.ts';
import { PRESET_NAMES } from '../../../src/throttle/limits.ts';

export default class ThrottlePolicyList extends BaseCommand {
  static override summary = 'List the presets, and which policy each website has.';
  static override description =
    'A preset is requests and bytes that one client may have from a site in ten minutes. Most sites keep the first.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --json',
  ];
  static override flags = { ...serviceFlags };

  override async run(): Promise<ThrottlePolicyListResult> {
    const { flags } = await this.parse(ThrottlePolicyList);
    const ask = serviceCaller<Pick<ThrottlePolicyListResult, 'sites'>>(flags, this.signal);
    const { sites } = await ask(servicePath(['sites']));
    const presets = [...PRESET_NAMES];
    const summary = `The presets are ${presets.join(', ')}.`;
    return this.emit({ target: null, status: 'ok', summary, checks: [], sites, presets }, renderSites);
  }
}
