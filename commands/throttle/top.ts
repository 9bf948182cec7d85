import { setTimeout } from 'node:timers/promises';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { duration, withEnvironment } from '../../src/cli/flags.ts';
import { isLive, type Key, REPAINT, takeTerminal } from '../../src/cli/live-keys.ts';
import { renderLiveTop, renderTop, type TopView } from '../../src/cli/render/throttle.ts';
import { serviceCaller, serviceFlags, servicePath } from '../../src/cli/throttle-service.ts';
import { counted } from '../../src/counted.ts';
import type { ThrottleTopResult } from '../../src/schema/throttle.ts';

/** Rows of the screen that are not clients: head, networks, keys. */
const OTHER_ROWS = 20;

/** Most blocked clients that are shown. */
const MOST_BLOCKS = 20;

export default class ThrottleTop extends BaseCommand {
  static override summary = 'Show which clients are nearest to a block, and which networks ask the most.';
  static override description =
    'On a terminal it goes on until q: arrows choose a client, b blocks it, u ends its block, e lets it pass without ' +
    'counting, the space bar holds the picture. Elsewhere it looks once, with --watch again and again until Ctrl-C.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> www.example.org --no-watch',
    '<%= config.bin %> <%= command.id %> --watch --json',
  ];
  static override several = true;
  static override args = {
    site: Args.string({ description: 'This site alone.', ignoreStdin: true }),
  };
  static override flags = {
    ...withEnvironment({
      limit: Flags.integer({ summary: 'So many clients.', default: 20, min: 1, max: 1000, helpValue: 'N' }),
      watch: Flags.boolean({
        summary: 'Go on until Ctrl-C; with --json a line each time. As it is on a terminal.',
        allowNo: true,
      }),
      interval: duration({ summary: 'When it goes on, look so often.', default: 1000 }),
    }),
    ...serviceFlags,
  };

  private readonly view: { -readonly [K in keyof TopView]: TopView[K] } = {
    selected: 0,
    paused: false,
    message: '',
  };
  private ended = false;
  private wake: () => void = () => undefined;

  override async run(): Promise<ThrottleTopResult> {
    const { args, flags } = await this.parse(ThrottleTop);
    const ask = serviceCaller<Pick<ThrottleTopResult, 'clients' | 'networks' | 'totals'>>(flags, this.signal);
    const askBlocks = serviceCaller<Pick<ThrottleTopResult, 'blocks'>>(flags, this.signal);
    const live = this.isText && flags.watch !== false && isLive();
    const room = live ? Math.max(3, (process.stdout.rows ?? 24) - OTHER_ROWS) : flags.limit;
    const limit = Math.min(flags.limit, room);
    const look = async (): Promise<ThrottleTopResult> => {
      const [{ clients, networks, totals }, { blocks }] = await Promise.all([
        ask(servicePath(['clients'], { site: args.site, limit })),
        askBlocks(servicePath(['blocks'], { site: args.site, limit: MOST_BLOCKS })),
      ]);
      const nobody =
        totals.blocked === 0
          ? 'Nobody asked for anything, other than who is exempt: "postern throttle exempt" lists them.'
          : `${counted(totals.blocked, 'client is', 'clients are')} blocked, and nobody else asked for anything.`;
      const summary = clients.length === 0 ? nobody : `Nearest to a block: ${clients[0]?.client}.`;
      return {
        target: args.site ?? null,
        status: 'ok',
        summary,
        checks: [],
        clients,
        networks,
        totals,
        blocks,
      };
    };
    if (live) return this.show(look, serviceCaller<unknown>(flags, this.signal), flags.interval);
    if (!flags.watch) return this.emit(await look(), renderTop);
    this.beginRows();
    for (;;) {
      const seen = await look();
      this.emit(seen, renderTop);
      await setTimeout(flags.interval, undefined, { signal: this.signal }).catch(() => undefined);
      if (this.signal.aborted) return seen;
    }
  }

  /** The live view, until q or Ctrl-C. What is emitted goes to the screen, which is given back at the end. */
  private async show(
    look: () => Promise<ThrottleTopResult>,
    change: ReturnType<typeof serviceCaller<unknown>>,
    intervalMs: number,
  ): Promise<ThrottleTopResult> {
    let seen = await look();
    this.beginRows();
    const giveBack = takeTerminal((key) => {
      this.obey(key, seen, change).then(
        () => this.wake(),
        (error: Error) => {
          this.view.message = error.message;
          this.wake();
        },
      );
    });
    try {
      while (!this.ended && !this.signal.aborted) {
        if (!this.view.paused) seen = await look();
        this.view.selected = Math.max(0, Math.min(this.view.selected, seen.clients.length - 1));
        process.stdout.write(REPAINT);
        this.emit(seen, (result, columns) => renderLiveTop(result, columns, this.view));
        await this.pause(intervalMs);
      }
    } finally {
      giveBack();
    }
    return seen;
  }

  /** Until the next look, or a key. */
  private async pause(intervalMs: number): Promise<void> {
    const cut = new AbortController();
    this.wake = () => cut.abort();
    const signal = AbortSignal.any([cut.signal, this.signal]);
    await setTimeout(intervalMs, undefined, { signal }).catch(() => undefined);
  }

  private async obey(
    key: Key,
    seen: ThrottleTopResult,
    change: ReturnType<typeof serviceCaller<unknown>>,
  ): Promise<void> {
    const { view } = this;
    const chosen = seen.clients[view.selected];
    if (key === 'quit') this.ended = true;
    else if (key === 'pause') view.paused = !view.paused;
    else if (key === 'up' || key === 'down') view.selected += key === 'up' ? -1 : 1;
    else if (chosen) {
      const { site } = chosen;
      const client = chosen.client.replace(/\/\d+$/, '');
      if (key === 'block') {
        await change(servicePath(['blocks']), { method: 'POST', body: { client, site, reason: 'top' } });
        view.message = `${chosen.client} is blocked on ${site}.`;
      } else if (key === 'unblock') {
        await change(servicePath(['blocks', client], { site }), { method: 'DELETE' });
        view.message = `${chosen.client} may use ${site} again.`;
      } else {
        const body = { network: chosen.client, site, reason: 'top' };
        await change(servicePath(['exemptions']), { method: 'POST', body });
        view.message = `${chosen.client} passes on ${site} without counting.`;
      }
    }
  }
}
