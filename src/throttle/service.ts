import type { ThrottleListener, ThrottleService } from '../schema/throttle.ts';
import type { Endpoint } from '../service/address.ts';
import { createApi, type Gate } from '../service/api.ts';
import { steadyClock } from '../service/clock.ts';
import { type Listening, listen } from '../service/listen.ts';
import { Metrics } from '../service/metrics.ts';
import { addMetrics, adminRoutes, describeService } from './admin.ts';
import { createDecisionServer } from './decision.ts';
import type { WindowType } from './engine.ts';
import { createFront } from './front.ts';
import type { Network } from './networks.ts';
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
  readonly front?: { readonly at: Endpoint; readonly origin: URL; readonly trusted: readonly Network[] };
  readonly decision?: Endpoint;
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

const FLUSH_MS = 10_000;
const PRUNE_MS = 60_000;
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

/**
 * Start the service: the warden, the admin API, and, where asked for, the built-in front and the decision server.
 *
 * @throws AppError E_CANNOT_LISTEN; what was opened before is closed again
 */
export async function startThrottle(options: ServiceOptions): Promise<ThrottleDaemon> {
  const { store, onEvent, activated = new Map(), wall, monotonic } = options;
  const now = steadyClock(wall, monotonic);
  const warden = new Warden({ ...options, now });
  const metrics = new Metrics();
  addMetrics(metrics, warden);
  const open: { readonly for: ThrottleListener['for']; readonly listening: Listening }[] = [];
  const about = {
    version: options.version,
    sinceMs: now(),
    listening: () => open.map((each) => ({ for: each.for, at: each.listening.at })),
  };
  const onError = quieted(now, onEvent);
  const api = createApi({
    routes: adminRoutes(warden, about, metrics),
    onError,
    ...(options.gate && { gate: options.gate }),
  });
  const front = options.front && createFront({ ...options.front, warden, onError });
  const timers = [setInterval(() => warden.flush(), FLUSH_MS), setInterval(() => warden.prune(), PRUNE_MS)];
  for (const timer of timers) timer.unref();
  const stop = async (graceMs: number) => {
    for (const timer of timers) clearInterval(timer);
    await Promise.all(open.map(({ listening }) => listening.close(graceMs)));
    front?.close();
    warden.flush();
    store.close();
  };
  try {
    const mode = SOCKET_MODE;
    if (options.admin)
      open.push({ for: 'admin', listening: await listen(api, options.admin, { mode, activated }) });
    if (options.decision)
      open.push({
        for: 'decision',
        listening: await listen(createDecisionServer(warden), options.decision, { mode, activated }),
      });
    if (front && options.front)
      open.push({
        for: 'front',
        listening: await listen(front.server, options.front.at, { mode, activated }),
      });
  } catch (error) {
    await stop(0);
    throw error;
  }
  return { warden, describe: () => describeService(warden, about), stop };
}
