import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { renderBlocks } from '../../src/cli/render/throttle.ts';
import { serviceCaller, serviceFlags, servicePath } from '../../src/cli/throttle-service.ts';
import type { ThrottleBlocksResult } from '../../src/schema/throttle.ts';

export default class ThrottleBlocks extends BaseCommand {
  static override summary = 'List the clients that get the error page now.';
  static override description =
    'Each with the limit that it went over, the request that tipped it, and until when.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --site www.example.org --json',
  ];
  static override flags = {
    ...withEnvironment({
      site: Flags.string({ summary: 'This site alone.', helpValue: 'NAME' }),
    }),
    ...serviceFlags,
  };

  override async run(): Promise<ThrottleBlocksResult> {
    const { flags } = await this.parse(ThrottleBlocks);
    const ask = serviceCaller<Pick<ThrottleBlocksResult, 'blocks'>>(flags, this.signal);
    const { blocks } = await ask(servicePath(['blocks'], { site: flags.site }));
    const summary = blocks.length === 0 ? 'Nobody is blocked.' : `Blocked now: ${blocks.length}.`;
    return this.emit({ target: flags.site ?? null, status: 'ok', summary, checks: [], blocks }, renderBlocks);
  }
}
