import { setTimeout } from 'node:timers/promises';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { duration, withEnvironment } from '../../src/cli/flags.ts';
import { renderTop } from '../../src/cli/render/throttle.ts';
import { serviceCaller, serviceFlags, servicePath } from '../../src/cli/throttle-service.ts';
import type { ThrottleTopResult } from '../../src/schema/throttle.ts';

/** Clear the screen and begin at its top. */
const REPAINT = '\x1b[2J\x1b[H';

export default class ThrottleTop extends BaseCommand {
  static override summary = 'Show which clients are nearest to a block.';
  static override description = 'Once, or with --watch again and again until Ctrl-C.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> www.example.org --watch',
    '<%= config.bin %> <%= command.id %> --watch --json',
  ];
  static override several = true;
  static override args = {
    site: Args.string({ description: 'This site alone.', ignoreStdin: true }),
  };
  static override flags = {
    ...withEnvironment({
      limit: Flags.integer({ summary: 'So many clients.', default: 20, min: 1, max: 1000, helpValue: 'N' }),
      watch: Flags.boolean({ summary: 'Go on until Ctrl-C; with --json a line each time.' }),
      interval: duration({ summary: 'With --watch, look so often.', default: 1000 }),
    }),
    ...serviceFlags,
  };

  override async run(): Promise<ThrottleTopResult> {
    const { args, flags } = await this.parse(ThrottleTop);
    const ask = serviceCaller<Pick<ThrottleTopResult, 'clients'>>(flags, this.signal);
    const look = async (): Promise<ThrottleTopResult> => {
      const { clients } = await ask(servicePath(['clients'], { site: args.site, limit: flags.limit }));
      const summary =
        clients.length === 0 ? 'Nobody asked for anything.' : `Nearest to a block: ${clients[0]?.client}.`;
      return { target: args.site ?? null, status: 'ok', summary, checks: [], clients };
    };
    if (!flags.watch) return this.emit(await look(), renderTop);
    this.beginRows();
    for (;;) {
      const seen = await look();
      if (this.isText && process.stdout.isTTY) process.stdout.write(REPAINT);
      this.emit(seen, renderTop);
      await setTimeout(flags.interval, undefined, { signal: this.signal }).catch(() => undefined);
      if (this.signal.aborted) return seen;
    }
  }
}
