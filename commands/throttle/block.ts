import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { duration, withEnvironment } from '../../src/cli/flags.ts';
import { renderBlocks } from '../../src/cli/render/throttle.ts';
import { clientFrom, siteOf } from '../../src/cli/throttle-questions.ts';
import { serviceCaller, serviceFlags, servicePath } from '../../src/cli/throttle-service.ts';
import type { ThrottleBlockResult } from '../../src/schema/throttle.ts';

export default class ThrottleBlock extends BaseCommand {
  static override summary = 'Give a client the error page of a website from now on.';
  static override description = 'For ten minutes, or as long as --for says.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> 192.0.2.66 --site www.example.org --for 1h --reason "comment spam"',
  ];
  static override args = {
    client: Args.string({
      description: 'IPv4 or IPv6 address; on a terminal it is asked for.',
      ignoreStdin: true,
    }),
  };
  static override flags = {
    ...withEnvironment({
      site: Flags.string({ summary: 'On this site; on a terminal it is asked for.', helpValue: 'NAME' }),
      for: duration({ summary: 'For so long.' }),
      reason: Flags.string({ summary: 'Why, for the audit.', helpValue: 'TEXT' }),
    }),
    ...serviceFlags,
  };

  override async run(): Promise<ThrottleBlockResult> {
    const { args, flags } = await this.parse(ThrottleBlock);
    const client = await clientFrom(args.client, this.mayAsk);
    const site = await siteOf(flags.site, serviceCaller<unknown>(flags, this.signal), this.mayAsk);
    const ask = serviceCaller<Pick<ThrottleBlockResult, 'block'>>(flags, this.signal);
    const { block } = await ask(servicePath(['blocks']), {
      method: 'POST',
      body: {
        client,
        site,
        ...(flags.for !== undefined && { forSeconds: flags.for / 1000 }),
        ...(flags.reason !== undefined && { reason: flags.reason }),
      },
    });
    const summary = `${block.client} is blocked on ${block.site} until ${block.until}.`;
    const result = { target: block.client, status: 'ok' as const, summary, checks: [], block };
    return this.emit(result, (each, columns) => renderBlocks({ ...each, blocks: [each.block] }, columns));
  }
}
