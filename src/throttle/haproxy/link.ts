import type { Site } from '../site.ts';
import type { Warden, WardenEvent } from '../warden.ts';
import { ClientFigures, SiteFigures } from './figures.ts';
import { haproxyMaps, mapCommands, mappedSite, tableName } from './maps.ts';
import { reconcile } from './reconcile.ts';
import {
  askHaproxy,
  parseCounts,
  parseMap,
  parseTable,
  peekHaproxy,
  type TableEntry,
  tellHaproxy,
  usedOf,
} from './runtime.ts';

/** How often both sides are compared, in milliseconds; a block is on disk here at the latest after this. */
const COMPARED_MS = 500;

/** How often clients are read at the most, and for how many times as long as reading takes they are left alone. */
const CLIENTS_MS = 2000;
const CLIENTS_REST = 50;

/** Most that is read of clients at a time, in bytes. */
const MOST_READ = 4_000_000;

const TABLE = 'throttle_block';
const WINDOW_TABLE = 'throttle_window';
const SUMS_TABLE = 'throttle_sums';

/** The part of a site in a key, and the address as HAProxy masks it. */
function keyOf(site: Site, clientText: string): string {
  return `${tableName(site.name)}|${clientText.replace(/\/\d+$/, '')}`;
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
  private readonly siteFigures = new SiteFigures();
  private clientFigures = new ClientFigures();
  private clientsDueMs = Number.NEGATIVE_INFINITY;
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
      await this.readSites();
      await this.readClients();
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
    this.siteFigures.restart();
    this.clientFigures = new ClientFigures();
  }

  private async compareMaps(): Promise<void> {
    const { warden } = this;
    const sites = warden.sites.all().map((site) => mappedSite(site, warden.nowMs, warden.shedUntilMs(site)));
    const wanted = haproxyMaps(sites, warden.exemptions());
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
    const sites = this.sitesByName();
    for (const entry of steps.adopt) this.adopt(entry, sites);
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

  private adopt({ key, until, byBytes }: TableEntry, sites: ReadonlyMap<string, Site>): void {
    const at = key.lastIndexOf('|');
    const site = sites.get(key.slice(0, at));
    if (site === undefined) return;
    const client = this.warden.clientNamed(key.slice(at + 1));
    this.warden.adopt(site, client, byBytes ? 'bytes' : 'requests', until * 1000);
  }

  private async readSites(): Promise<void> {
    const rows = parseCounts(await askHaproxy(this.path, `show table ${SUMS_TABLE}`));
    const sites = this.sitesByName();
    for (const [name, figures] of this.siteFigures.take(rows)) {
      const site = sites.get(name);
      if (site) this.warden.noteFigures(site, figures);
    }
  }

  /** Reading a large table takes time of HAProxy, too, so it is read the more rarely the larger it is. */
  private async readClients(): Promise<void> {
    const begunMs = performance.now();
    if (begunMs < this.clientsDueMs) return;
    const { warden, clientFigures } = this;
    const rows = new Map<string, ReturnType<typeof parseCounts>[number]>();
    let used = 0;
    let isWhole = true;
    for (const filter of clientFigures.filters()) {
      const said = await peekHaproxy(this.path, `show table ${WINDOW_TABLE}${filter}`, MOST_READ);
      used = usedOf(said.text);
      isWhole &&= said.isWhole;
      for (const row of parseCounts(said.text)) rows.set(row.key, row);
    }
    clientFigures.adjust(used, rows.size, isWhole);
    const sites = this.sitesByName();
    const counts = clientFigures.take([...rows.values()], warden.windowMs / 1000, warden.nowMs / 1000);
    for (const { site: name, client, ...each } of counts) {
      const site = sites.get(name);
      if (site) warden.noteClient(site, client, each);
    }
    const tookMs = performance.now() - begunMs;
    this.clientsDueMs = performance.now() + Math.max(CLIENTS_MS, tookMs * CLIENTS_REST);
  }

  private sitesByName(): ReadonlyMap<string, Site> {
    return new Map(this.warden.sites.all().map((site) => [tableName(site.name), site]));
  }

  private tell(state: 'connected' | 'away', reason = ''): void {
    if (this.state === state) return;
    this.state = state;
    this.onEvent({ event: `haproxy ${state}`, at: this.path, ...(reason !== '' && { reason }) });
  }
}
