import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { renderExplain } from '../../src/cli/render/throttle.ts';
import { clientFrom } from '../../src/cli/throttle-questions.ts';
import { serviceCaller, serviceFlags, servicePath } from '../../src/cli/throttle-service.ts';
import type { ThrottleExplainResult } from '../../src/schema/throttle.ts';

export default class ThrottleExplain extends BaseCommand {
  static override summary = 'Say how a client stands: what it had, whether it is blocked, why, until when.';
  static override description =
    'With the limit, the counts, the request that tipped it, and who is nearest to a block on the same site.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> 192.0.2.66',
    '<%= config.bin %> <%= command.id %> 2001:db8::1 --site www.example.org --json',
  ];
  static override args = {
    client: Args.string({
      description: 'IPv4 or IPv6 address; on a terminal it is asked for.',
      ignoreStdin: true,
    }),
  };
  static override flags = {
    ...withEnvironment({
      site: Flags.string({ summary: 'This site alone.', helpValue: 'NAME' }),
    }),
    ...serviceFlags,
  };

  override async run(): Promise<ThrottleExplainResult> {
    const { args, flags } = await this.parse(ThrottleExplain);
    const ask = serviceCaller<Pick<ThrottleExplainResult, 'client' | 'sites'>>(flags, this.signal);
    const { client, sites } = await ask(
      servicePath(['explain', await clientFrom(args.client, this.mayAsk)], { site: flags.site }),
    );
    const blocked = sites.filter(({ block }) => block !== null).map(({ standing }) => standing.site);
    const summary =
      blocked.length > 0 ? `${client} is blocked on ${blocked.join(', ')}.` : `${client} is not blocked.`;
    return this.emit({ target: client, status: 'ok', summary, checks: [], client, sites }, renderExplain);
  }
}
