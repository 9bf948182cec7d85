import { AppError, ExitCode } from '../errors.ts';
import type { Network } from '../net/network.ts';
import type { ThrottleListener, ThrottleService } from '../schema/throttle.ts';
import type { Endpoint } from '../service/address.ts';
import { createApi, type Gate, type Handler } from '../service/api.ts';
import { steadyClock } from '../service/clock.ts';
import { EventHub } from '../service/events.ts';
import { type Listening, listen } from '../service/listen.ts';
import { Histogram, Metrics } from '../service/metrics.ts';
import { type About, addMetrics, adminRoutes, describeService, publishTop } from './admin.ts';
import { ApacheWriter } from './apache/writer.ts';
import { type Asset, Dashboard } from './dashboard.ts';
import { createDecisionServer } from './decision.ts';
import type { WindowType } from './engine.ts';
import { type FollowedLog, followLog } from './follow/follow.ts';
import { type Published, publish } from './follow/publish.ts';
import { createFront, type FrontOptions } from './front.ts';
import { HaproxyLink } from './haproxy/link.ts';
import { LuaWriter } from './lua/writer.ts';
import { NftablesWriter } from './nftables/writer.ts';
import { NginxWriter } from './nginx/writer.ts';
import type { Writer } from './publisher.ts';
import { ShareLink, type ShareOptions } from './share/link.ts';
import { readSnapshot, writeSnapshot } from './snapshot.ts';
import type { Store } from './store.ts';
import { Warden, type WardenEvent } from './warden.ts';

export type ServiceOptions = {
  readonly version: string;
  readonly store: Store;
  /** Milliseconds since the epoch, and since whenever. */
  readonly wall: () => number;
  readonly monotonic: () => number;
  readonly seed: number;
  /** Where administrators ask; on a Unix socket the file's mode is the permission, over TCP there is a gate. Null: nowhere. */
  readonly admin: Endpoint | null;
  readonly gate?: Gate;
  readonly front?: {
    readonly at: Endpoint;
    readonly origin: FrontOptions['origin'];
    readonly trusted: readonly Network[];
  };
  readonly decision?: Endpoint;
  /** Logs of web servers that are read as they grow. */
  readonly logs?: readonly string[];
  /** Proxies of ours, whose X-Forwarded-For is believed in requests for a decision and in logs. */
  readonly trusted?: readonly Network[];
  /** Where the blocks are written for an nginx. */
  readonly nginxFolder?: string;
  /** Where the blocks are written for an Apache. */
  readonly apacheFolder?: string;
  /** Where it is written what an nginx that decides by itself needs. */
  readonly luaFolder?: string;
  /** Where it is written whose packets are to be dropped, and after how many refused requests in a block. */
  readonly drop?: { readonly folder: string; readonly after: number };
  /** Stats sockets of HAProxys that enforce by themselves. */
  readonly haproxy?: readonly string[];
  /** A server by which several nodes share what they count; without it this one is alone. */
  readonly share?: ShareOptions;
  /** Where counters are kept over a restart; without it they are not. */
  readonly countersFile?: string;
  /** The files of the dashboard; without them there is none. */
  readonly dashboard?: {
    readonly assets: ReadonlyMap<string, Asset>;
    /** Unguessable text, at least 128 bits, of letters, digits, "-" and "_". */
    readonly random: () => string;
    /** Largest log that may be sent, in bytes. */
    readonly mostUpload?: number;
  };
  /** The OpenAPI document of the API. */
  readonly openApi?: string;
  readonly activated?: ReadonlyMap<string, number>;
  readonly window?: WindowType;
  readonly windowMs?: number;
  readonly blockMs?: number;
  readonly prefix?: number;
  readonly exemptLoopback?: boolean;
  readonly onEvent: (event: WardenEvent) => void;
};

/** The running service. */
export type ThrottleDaemon = {
  readonly warden: Warden;
  describe(): ThrottleService;
  /** Let what is being answered end, store everything, and close. */
  stop(graceMs: number): Promise<void>;
};

/** Who may use the sockets: owner and group. */
const SOCKET_MODE = 0o660;

/** From what a look-up takes to what a web server that asks would notice. */
const DECISION_SECONDS = [1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 1e-3, 1e-2];

const FLUSH_MS = 10_000;
const PRUNE_MS = 60_000;
const SNAPSHOT_MS = 10_000;
const TOP_MS = 1000;
const QUIET_MS = 10_000;

/** Tells an error once in a while: an origin that is away fails every request in the same way. */
function quieted(now: () => number, onEvent: ServiceOptions['onEvent']): (error: unknown) => void {
  let last = '';
  let toldMs = 0;
  let untold = 0;
  return (error) => {
    const message = (error as Error | undefined)?.message ?? String(error);
    if (message === last && now() - toldMs < QUIET_MS) {
      untold += 1;
      return;
    }
    onEvent({ event: 'error', message, ...(untold > 0 && { untold }) });
    [last, toldMs, untold] = [message, now(), 0];
  };
}

/** Saves the counters now and then, one at a time. */
function createSaver(warden: Warden, path: string | undefined, onError: (error: unknown) => void) {
  let savedMs: number | null = null;
  let saving: Promise<void> = Promise.resolve();
  let busy = false;
  const write = async (to: string) => {
    busy = true;
    const atMs = warden.nowMs;
    try {
      await writeSnapshot(to, warden.snapshot());
      savedMs = atMs;
    } catch (error) {
      onError(error);
    }
    busy = false;
  };
  const save = () => {
    if (path !== undefined && !busy) saving = write(path);
  };
  const finish = async () => {
    await saving;
    save();
    await saving;
  };
  return { save, finish, savedMs: () => savedMs };
}

/** A key for the dashboard, for whoever may use this API. The page itself has no such route. */
export function dashboardRoute(
  dashboard: Dashboard | null,
  onEvent: ServiceOptions['onEvent'],
): Record<string, Handler> {
  return {
    'POST /v1/dashboard': async ({ body }) => {
      if (dashboard === null)
        throw new AppError('The dashboard is not installed.', {
          code: 'E_NOT_FOUND',
          exit: ExitCode.unavailable,
        });
      const { port = 0 } = (body ?? {}) as { port?: unknown };
      if (typeof port !== 'number' || !Number.isInteger(port) || port < 0 || port > 65_535)
        throw new AppError('"port" has to be a port.', { code: 'E_FIELD', exit: ExitCode.usage });
      const { url, untilMs } = await dashboard.invite(port);
      onEvent({ event: 'dashboard opened', at: dashboard.at });
      return { url, until: new Date(untilMs).toISOString() };
    },
  };
}

/** What web servers are told by files. */
function writersFor({ nginxFolder, apacheFolder, luaFolder, drop, trusted = [] }: ServiceOptions): Writer[] {
  return [
    ...(nginxFolder === undefined ? [] : [new NginxWriter(nginxFolder)]),
    ...(apacheFolder === undefined ? [] : [new ApacheWriter(apacheFolder)]),
    ...(luaFolder === undefined ? [] : [new LuaWriter(luaFolder)]),
    ...(drop === undefined ? [] : [new NftablesWriter(drop.folder, drop.after, trusted)]),
  ];
}

type Opened = { readonly for: ThrottleListener['for']; readonly listening: Listening };

/**
 * Start the service: the warden, the admin API, and, where asked for, the built-in front and the decision server.
 *
 * @throws AppError E_CANNOT_LISTEN; what was opened before is closed again
 */
export async function startThrottle(options: ServiceOptions): Promise<ThrottleDaemon> {
  const { store, activated = new Map(), wall, monotonic, countersFile } = options;
  const now = steadyClock(wall, monotonic);
  const events = new EventHub();
  const onEvent: ServiceOptions['onEvent'] = (event) => {
    options.onEvent(event);
    events.publish(event.event, event);
    for (const each of published) each.changed();
  };
  const { logs = [], trusted = [] } = options;
  const followed: FollowedLog[] = [];
  const published: Published[] = [];
  const onError = quieted(now, onEvent);
  const counted = countersFile === undefined ? null : await readSnapshot(countersFile);
  const decisions = new Histogram(DECISION_SECONDS);
  const onDecision = (seconds: number) => decisions.note(seconds);
  const warden = new Warden({
    ...options,
    now,
    onEvent,
    counted,
    onDecision,
    ...(options.drop && { stubbornAfter: options.drop.after }),
  });
  const saver = createSaver(warden, countersFile, onError);
  const links = (options.haproxy ?? []).map((path) => new HaproxyLink(warden, path, onEvent));
  const share = options.share === undefined ? null : new ShareLink(warden, options.share, onEvent);
  const open: Opened[] = [];
  const about: About = {
    version: options.version,
    sinceMs: now(),
    listening: () => [
      ...open.map((each) => ({ for: each.for, at: each.listening.at })),
      ...(dashboard?.at ? [{ for: 'dashboard' as const, at: dashboard.at }] : []),
    ],
    savedMs: saver.savedMs,
    trusted: trusted.map(({ text }) => text),
    events,
    share: () => share?.describe() ?? null,
    openApi: options.openApi ?? null,
  };
  const metrics = new Metrics();
  addMetrics(metrics, warden, about);
  metrics.histogram('throttle_decision_seconds', 'How long it took to decide about a request.', decisions);
  const routes = adminRoutes(warden, about, metrics);
  const dashboard =
    options.dashboard && new Dashboard({ ...options.dashboard, routes, now, onError, prefix: warden.prefix });
  const invite = dashboardRoute(dashboard ?? null, onEvent);
  const api = createApi({
    routes: { ...routes, ...invite },
    onError,
    ...(options.gate && { gate: options.gate }),
  });
  const front = options.front && createFront({ ...options.front, warden, onError });
  const timers = [
    setInterval(() => warden.flush(), FLUSH_MS),
    setInterval(() => warden.prune(), PRUNE_MS),
    setInterval(saver.save, SNAPSHOT_MS),
    setInterval(() => publishTop(warden, events), TOP_MS),
  ];
  for (const timer of timers) timer.unref();
  const stop = async (graceMs: number) => {
    for (const timer of timers) clearInterval(timer);
    events.close();
    await dashboard?.close();
    await Promise.all(open.map(({ listening }) => listening.close(graceMs)));
    front?.close();
    await Promise.all([...followed, ...published].map((each) => each.stop()));
    await Promise.all(links.map((link) => link.stop()));
    await share?.stop();
    warden.flush();
    await saver.finish();
    store.close();
  };
  try {
    const mode = SOCKET_MODE;
    if (options.admin)
      open.push({ for: 'admin', listening: await listen(api, options.admin, { mode, activated }) });
    if (options.decision)
      open.push({
        for: 'decision',
        listening: await listen(createDecisionServer(warden, trusted, onError), options.decision, {
          mode,
          activated,
        }),
      });
    if (front && options.front)
      open.push({
        for: 'front',
        listening: await listen(front.server, options.front.at, { mode, activated }),
      });
    for (const writer of writersFor(options)) published.push(await publish(warden, writer, onError));
    for (const log of logs) followed.push(await followLog(warden, log, trusted, onEvent));
    for (const link of links) link.start();
    share?.start();
  } catch (error) {
    await stop(0);
    throw error;
  }
  return { warden, describe: () => describeService(warden, about), stop };
}
