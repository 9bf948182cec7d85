import { mkdir } from 'node:fs/promises';
import { enforcedBlocks } from '../enforced.ts';
import type { Block } from '../engine.ts';
import { replaceFile, type Writer } from '../publisher.ts';
import type { Warden } from '../warden.ts';
import { clientHex, type Lift, luaState } from './state.ts';

/** What nginx reads again when its first line is another. */
export const LUA_STATE = 'postern.state';

/** Writes what an nginx that decides by itself needs: sites, exemptions, blocks, and blocks that were lifted. */
export class LuaWriter implements Writer {
  readonly coalescedMs = 250;
  readonly longestMs = 60_000;
  private readonly folder: string;
  /** Blocks that were there at the last time. */
  private known = new Map<string, Lift>();
  private lifts: readonly Lift[] = [];
  private written = '';
  private version = Date.now();

  constructor(folder: string) {
    this.folder = folder;
  }

  async prepare(): Promise<void> {
    await mkdir(this.folder, { recursive: true });
  }

  async write(warden: Warden): Promise<boolean> {
    const blocks = enforcedBlocks(warden);
    this.lookForLifts(warden, blocks);
    const state = luaState(warden, blocks, this.lifts);
    if (state === this.written) return false;
    this.version = Math.max(Date.now(), this.version + 1);
    await replaceFile(this.folder, LUA_STATE, `${this.version}\n${state}`);
    this.written = state;
    return true;
  }

  /** A block that is gone before its end was lifted. */
  private lookForLifts(warden: Warden, blocks: readonly Block[]): void {
    const { nowMs } = warden;
    const now = new Map(
      blocks.map(({ site, client, untilMs }): [string, Lift] => {
        const lift = { site: warden.sites.at(site).name, client: clientHex(client), untilMs };
        return [`${lift.site} ${lift.client}`, lift];
      }),
    );
    const gone = [...this.known].filter(([key]) => !now.has(key)).map(([, lift]) => lift);
    this.lifts = [...this.lifts, ...gone].filter(({ untilMs }) => untilMs > nowMs);
    this.known = now;
  }
}
