import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { renderSummary } from '../../src/cli/render/throttle.ts';
import { blockedClient } from '../../src/cli/throttle-questions.ts';
import { serviceCaller, serviceFlags, servicePath } from '../../src/cli/throttle-service.ts';
import type { ThrottleUnblockResult } from '../../src/schema/throttle.ts';

export default class ThrottleUnblock extends BaseCommand {
  static override summary = 'End the block of a client; it has its full quota at once.';
  static override description = 'On every site, or on the one that --site names.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> 192.0.2.66',
    '<%= config.bin %> <%= command.id %> 2001:db8::1 --site www.example.org',
  ];
  static override args = {
    client: Args.string({
      description: 'IPv4 or IPv6 address; on a terminal the blocked ones are offered.',
      ignoreStdin: true,
    }),
  };
  static override flags = {
    ...withEnvironment({
      site: Flags.string({ summary: 'This site alone.', helpValue: 'NAME' }),
    }),
    ...serviceFlags,
  };

  override async run(): Promise<ThrottleUnblockResult> {
    const { args, flags } = await this.parse(ThrottleUnblock);
    const client = await blockedClient(args.client, serviceCaller<unknown>(flags, this.signal), this.mayAsk);
    const ask = serviceCaller<Pick<ThrottleUnblockResult, 'lifted'>>(flags, this.signal);
    const { lifted } = await ask(servicePath(['blocks', client], { site: flags.site }), {
      method: 'DELETE',
    });
    const where = lifted.map(({ site }) => site).join(', ');
    const summary = lifted.length === 0 ? `${client} was not blocked.` : `${client} may use ${where} again.`;
    const result = { target: client, status: 'ok' as const, summary, checks: [], lifted };
    return this.emit(result, renderSummary);
  }
}
