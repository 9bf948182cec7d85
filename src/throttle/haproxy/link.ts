import type { Site } from '../site.ts';
import type { Warden, WardenEvent } from '../warden.ts';
import { haproxyMaps, mapCommands, mappedSite } from './maps.ts';
import { reconcile } from './reconcile.ts';
import { askHaproxy, parseMap, parseTable, type TableEntry, tellHaproxy } from './runtime.ts';

/** How often both sides are compared, in milliseconds; a block is on disk here at the latest after this. */
const COMPARED_MS = 500;

const TABLE = 'throttle_block';

/** The part of a site in a key, and the address as HAProxy masks it. */
function keyOf(site: Site, clientText: string): string {
  return `${site.name}|${clientText.replace(/\/\d+$/, '')}`;
}

function setCommand({ key, until, byBytes }: TableEntry): string {
  return `set table ${TABLE} key ${key} data.gpt0 ${until} data.gpc0 ${byBytes ? 1 : 0}`;
}

/**
 * Keeps one HAProxy in step over its runtime API: sites, limits and exemptions go there as they change, without a
 * reload; blocks that it begins come here and are stored, and those it does not have, after a restart for instance, go
 * there. HAProxy itself asks nobody, so it enforces on when the service is away.
 */
export class HaproxyLink {
  private readonly warden: Warden;
  private readonly path: string;
  private readonly onEvent: (event: WardenEvent) => void;
  private shared: ReadonlyMap<string, number> = new Map();
  /** What its maps have: file by name, rows. Null until they were read. */
  private maps: Map<string, { readonly file: string; rows: ReadonlyMap<string, string> }> | null = null;
  private pid = '';
  private state = '';
  private timer: NodeJS.Timeout | undefined;
  private comparing: Promise<void> = Promise.resolve();
  private stopped = false;

  /** @param path  of the stats socket, at level admin */
  constructor(warden: Warden, path: string, onEvent: (event: WardenEvent) => void) {
    this.warden = warden;
    this.path = path;
    this.onEvent = onEvent;
  }

  start(): void {
    this.schedule(0);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.comparing;
  }

  private schedule(inMs: number): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.comparing = this.compare().finally(() => this.schedule(COMPARED_MS));
    }, inMs);
    this.timer.unref();
  }

  private async compare(): Promise<void> {
    try {
      await this.notice();
      await this.compareMaps();
      await this.compareBlocks();
      this.tell('connected');
    } catch (error) {
      this.tell('away', (error as Error).message);
    }
  }

  /** Another process has read its files anew, and has no blocks. */
  private async notice(): Promise<void> {
    const pid = /^Pid: (\d+)$/m.exec(await askHaproxy(this.path, 'show info'))?.[1] ?? '';
    if (pid === this.pid) return;
    this.pid = pid;
    this.maps = null;
    this.shared = new Map();
  }

  private async compareMaps(): Promise<void> {
    const { warden } = this;
    const sites = warden.sites.all().map((site) => mappedSite(site, warden.nowMs));
    const networks = warden.exemptions().filter(({ site }) => site === null);
    const wanted = haproxyMaps(
      sites,
      networks.map(({ network }) => network),
    );
    this.maps ??= await this.readMaps([...wanted.keys()]);
    for (const [name, rows] of wanted) {
      const map = this.maps.get(name);
      if (!map) continue;
      const commands = mapCommands(map.file, map.rows, rows);
      await tellHaproxy(this.path, commands);
      map.rows = rows;
    }
  }

  private async readMaps(names: readonly string[]) {
    const listed = `${await askHaproxy(this.path, 'show map')}\n${await askHaproxy(this.path, 'show acl')}`;
    const files = [...listed.matchAll(/^-?\d+ \(([^)]+)\)/gm)].map(([, file]) => file ?? '');
    const maps = new Map<string, { readonly file: string; rows: ReadonlyMap<string, string> }>();
    for (const name of names) {
      const file = files.find((each) => each.endsWith(`/${name}`));
      if (file === undefined) throw new Error(`it has no ${name}: compile its configuration`);
      const kind = name.endsWith('.lst') ? 'acl' : 'map';
      maps.set(name, { file, rows: parseMap(await askHaproxy(this.path, `show ${kind} ${file}`)) });
    }
    return maps;
  }

  private async compareBlocks(): Promise<void> {
    const theirs = parseTable(await askHaproxy(this.path, `show table ${TABLE}`));
    // Nothing is waited for from here to the commands, so a block that is lifted meanwhile is seen next time.
    const ours = this.ours();
    const steps = reconcile(ours, theirs, this.shared, this.warden.nowMs / 1000);
    for (const entry of steps.adopt) this.adopt(entry);
    const commands = [
      ...steps.clear.map((key) => `clear table ${TABLE} key ${key}`),
      ...steps.set.map(setCommand),
    ];
    await tellHaproxy(this.path, commands);
    this.shared = new Map([...ours.values(), ...steps.adopt].map(({ key, until }) => [key, until]));
  }

  private ours(): Map<string, TableEntry> {
    const entries = this.warden.blocks().map(({ block }): [string, TableEntry] => {
      const key = keyOf(this.warden.sites.at(block.site), block.client.text);
      return [key, { key, until: Math.ceil(block.untilMs / 1000), byBytes: block.limit === 'bytes' }];
    });
    return new Map(entries);
  }

  private adopt({ key, until, byBytes }: TableEntry): void {
    const at = key.lastIndexOf('|');
    const { sites } = this.warden;
    const name = key.slice(0, at);
    if (at < 0 || (!sites.has(name) && name !== sites.other.name)) return;
    const client = this.warden.clientNamed(key.slice(at + 1));
    this.warden.adopt(sites.named(name), client, byBytes ? 'bytes' : 'requests', until * 1000);
  }

  private tell(state: 'connected' | 'away', reason = ''): void {
    if (this.state === state) return;
    this.state = state;
    this.onEvent({ event: `haproxy ${state}`, at: this.path, ...(reason !== '' && { reason }) });
  }
}
