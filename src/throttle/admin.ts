import { AppError, ExitCode } from '../errors.ts';
import type {
  ThrottleBlock,
  ThrottleExemption,
  ThrottleListener,
  ThrottleNetwork,
  ThrottleService,
  ThrottleSite,
  ThrottleStanding,
  ThrottleTopResult,
} from '../schema/throttle.ts';
import { type Call, type Handler, StreamAnswer, TextAnswer } from '../service/api.ts';
import type { EventHub } from '../service/events.ts';
import type { Metrics } from '../service/metrics.ts';
import { type Block, retryAfter } from './engine.ts';
import { formatLimits, type Limits, parseLimits } from './limits.ts';
import {
  checkedDetails,
  checkedName,
  MODES,
  MOST_SITES,
  type Mode,
  newSite,
  type Policy,
  policyOf,
  type Site,
} from './site.ts';
import type { Exemption, Tipping } from './store.ts';
import type { Standing, Warden } from './warden.ts';

/** What the service says about itself beside its warden. */
export type About = {
  readonly version: string;
  readonly sinceMs: number;
  readonly listening: () => readonly ThrottleListener[];
  /** When the counters were last saved, in milliseconds since the epoch; null when they are not. */
  readonly savedMs: () => number | null;
  /** Networks whose X-Forwarded-For is believed. */
  readonly trusted: readonly string[];
  readonly events: EventHub;
  /** The OpenAPI document; null when it is not at hand. */
  readonly openApi: string | null;
};

/** Most rows of one answer. */
const MOST_ROWS = 1000;

/** Networks that the service names of itself. */
const HEAVIEST = 5;

/** Rows of each list that are sent to whoever watches. */
const WATCHED = 20;

/** Longest block by hand and longest temporary policy, in seconds. */
const LONGEST_SECONDS = 366 * 86_400;

const iso = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');

function badField(name: string, expected: string): AppError {
  return new AppError(`"${name}" has to be ${expected}.`, { code: 'E_FIELD', exit: ExitCode.usage });
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf({ body }: Call): Fields {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Fields;
  throw badField('body', 'an object');
}

function textIn(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  if (value === undefined || typeof value === 'string') return value;
  throw badField(name, 'a string');
}

function textsIn(fields: Fields, name: string): readonly string[] | undefined {
  const value = fields[name];
  if (value === undefined) return undefined;
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value;
  throw badField(name, 'a list of strings');
}

function secondsIn(fields: Fields, name: string): number | undefined {
  const value = fields[name];
  if (value === undefined) return undefined;
  if (typeof value === 'number' && value > 0 && value <= LONGEST_SECONDS) return value;
  throw badField(name, 'a number of seconds');
}

/** A budget: undefined when none is named, null when there shall be none. */
function budgetIn(fields: Fields): Limits | null | undefined {
  return fields['budget'] === null ? null : limitsIn(fields, 'budget');
}

function limitsIn(fields: Fields, name: string): Limits | undefined {
  const text = textIn(fields, name);
  return text === undefined ? undefined : parseLimits(text);
}

function modeIn(fields: Fields): Mode | undefined {
  const text = textIn(fields, 'mode');
  const mode = MODES.find((each) => each === text);
  if (text !== undefined && mode === undefined) throw badField('mode', `one of ${MODES.join(', ')}`);
  return mode;
}

function refusalIn(fields: Fields): 429 | 503 | undefined {
  const value = fields['refusal'];
  if (value === undefined || value === 429 || value === 503) return value;
  throw badField('refusal', '429 or 503');
}

/** How many rows are wanted. */
function limitOf({ query }: Call, usual: number): number {
  const limit = Number(query.get('limit') ?? usual);
  if (Number.isInteger(limit) && limit > 0) return Math.min(limit, MOST_ROWS);
  throw badField('limit', 'a number');
}

const policyShape = ({ limits, mode }: Policy) => ({ limits: formatLimits(limits), mode });

function siteShape(site: Site, spent: ThrottleSite['spent'], nowMs: number): ThrottleSite {
  const { name, aliases, temporary, refusal, note, policy, budget } = site;
  const until = temporary !== null && nowMs < temporary.untilMs ? iso(temporary.untilMs) : null;
  return {
    name,
    aliases,
    policy: policyShape(policyOf(site, nowMs)),
    until,
    lasting: policyShape(policy),
    budget: budget && formatLimits(budget),
    spent: budget && spent,
    refusal,
    note,
  };
}

function exemptionShape({ network, site, reason, untilMs }: Exemption): ThrottleExemption {
  return { network, site, reason, until: untilMs === null ? null : iso(untilMs) };
}

/** What some sites served and refused since the start. */
function totalsOf(warden: Warden, sites: readonly Site[]): ThrottleTopResult['totals'] {
  const each = sites.map((site) => warden.totalsOf(site));
  const add = (read: (totals: (typeof each)[number]) => number) =>
    each.reduce((sum, totals) => sum + read(totals), 0);
  return {
    served: add(({ servedRequests }) => servedRequests),
    refused: add(({ refusedRequests }) => refusedRequests),
    bytes: add(({ servedBytes }) => servedBytes),
    blocked: warden.blocks().filter(({ block }) => sites.some(({ number }) => number === block.site)).length,
  };
}

/** The values of the warden in the shapes of the API. */
function shapes(warden: Warden) {
  const block = (each: Block, tipping: Tipping | null): ThrottleBlock => {
    const site = warden.sites.at(each.site);
    const { client, limit, requests, bytes, startMs, untilMs } = each;
    return {
      site: site.name,
      client: client.text,
      limit,
      requests,
      bytes,
      since: iso(startMs),
      until: iso(untilMs),
      retryAfter: retryAfter(each, warden.nowMs),
      enforced: policyOf(site, warden.nowMs).mode === 'enforce',
      tipping,
    };
  };
  const standing = ({ site, client, requests, bytes, share }: Standing): ThrottleStanding => ({
    site: site.name,
    client: client.text,
    requests,
    bytes,
    limits: formatLimits(policyOf(site, warden.nowMs).limits),
    share,
  });
  const networks = (site: Site | null, limit: number): ThrottleNetwork[] =>
    warden.heaviest(site, limit).map((each) => ({ ...each, site: each.site.name }));
  return {
    block,
    standing,
    networks,
    site: (site: Site) => siteShape(site, warden.spent(site), warden.nowMs),
    /** Who is nearest to a block, and who asks the most. */
    top: (site: Site | null, limit: number) => ({
      totals: totalsOf(warden, site === null ? warden.sites.all() : [site]),
      clients: warden.top(site, limit).map(standing),
      networks: networks(site, limit),
    }),
  };
}

function siteRoutes(warden: Warden): Record<string, Handler> {
  const shape = shapes(warden);
  const named = (call: Call) => warden.sites.named(call.params['name'] ?? '');
  return {
    'GET /v1/sites': () => ({ sites: warden.sites.all().map(shape.site) }),
    'POST /v1/sites': (call) => {
      const fields = fieldsOf(call);
      const name = checkedName(textIn(fields, 'name') ?? '');
      if (warden.sites.all().length > MOST_SITES)
        throw new AppError(`There are ${MOST_SITES} sites already.`, {
          code: 'E_FULL',
          exit: ExitCode.usage,
        });
      const base = newSite(warden.sites.nextNumber(), name);
      const site: Site = {
        ...base,
        ...checkedDetails(textsIn(fields, 'aliases') ?? [], textIn(fields, 'note') ?? ''),
        policy: {
          limits: limitsIn(fields, 'limits') ?? base.policy.limits,
          mode: modeIn(fields) ?? 'enforce',
        },
        budget: budgetIn(fields) ?? null,
        refusal: refusalIn(fields) ?? base.refusal,
      };
      warden.saveSite(site, 'site added', formatLimits(site.policy.limits));
      return { site: shape.site(site) };
    },
    'GET /v1/sites/:name': (call) => {
      const site = named(call);
      const day = 86_400_000;
      return {
        site: shape.site(site),
        traffic: {
          tenMinutes: warden.traffic(site, 600_000),
          day: warden.traffic(site, day),
          month: warden.traffic(site, 30 * day),
        },
        blocked: warden.blocks().filter(({ block }) => block.site === site.number).length,
      };
    },
    'PUT /v1/sites/:name': (call) => {
      const fields = fieldsOf(call);
      const site = named(call);
      const budget = budgetIn(fields);
      const changed: Site = {
        ...site,
        budget: budget === undefined ? site.budget : budget,
        ...checkedDetails(textsIn(fields, 'aliases') ?? site.aliases, textIn(fields, 'note') ?? site.note),
        refusal: refusalIn(fields) ?? site.refusal,
      };
      warden.saveSite(changed, 'site changed', '');
      return { site: shape.site(changed) };
    },
    'DELETE /v1/sites/:name': (call) => {
      const site = named(call);
      if (site.number === 0)
        throw new AppError(`'${site.name}' stands for every name that is not known and cannot be removed.`, {
          code: 'E_SITE',
          exit: ExitCode.usage,
          hint: `To let all of them pass: throttle policy set ${site.name} --mode off.`,
        });
      const gone = shape.site(site);
      warden.removeSite(site);
      return { site: gone };
    },
  };
}

/** The site with another policy, for a time or for good. */
function withPolicy(site: Site, policy: Policy, forSeconds: number | undefined, nowMs: number): Site {
  if (forSeconds === undefined) return { ...site, policy, temporary: null };
  return { ...site, temporary: { ...policy, untilMs: nowMs + forSeconds * 1000 } };
}

function policyRoutes(warden: Warden): Record<string, Handler> {
  const shape = shapes(warden);
  const set = (sites: readonly Site[], call: Call) => {
    const fields = fieldsOf(call);
    const limits = limitsIn(fields, 'limits');
    const mode = modeIn(fields);
    const forSeconds = secondsIn(fields, 'forSeconds');
    if (limits === undefined && mode === undefined) throw badField('limits', 'given, or a mode');
    const changed = sites.map((site) => {
      const { policy } = site;
      const next = { limits: limits ?? policyOf(site, warden.nowMs).limits, mode: mode ?? policy.mode };
      return withPolicy(site, next, forSeconds, warden.nowMs);
    });
    for (const site of changed) {
      const { limits: now, mode: as } = policyOf(site, warden.nowMs);
      warden.saveSite(
        site,
        'policy set',
        `${formatLimits(now)} ${as}${forSeconds === undefined ? '' : ` for ${forSeconds} s`}`,
      );
    }
    return { sites: changed.map(shape.site) };
  };
  return {
    'PUT /v1/sites/:name/policy': (call) => set([warden.sites.named(call.params['name'] ?? '')], call),
    'PUT /v1/policy': (call) => set(warden.sites.all(), call),
  };
}

function blockRoutes(warden: Warden): Record<string, Handler> {
  const shape = shapes(warden);
  const siteIn = (name: string | null | undefined) =>
    name === null || name === undefined ? null : warden.sites.named(name);
  return {
    'GET /v1/blocks': (call) => {
      const site = siteIn(call.query.get('site'));
      const blocks = warden.blocks().filter(({ block }) => site === null || block.site === site.number);
      // All of them unless somebody asks for fewer: a flood has many.
      const limit = call.query.has('limit') ? limitOf(call, MOST_ROWS) : blocks.length;
      const shown = blocks.slice(0, limit).map(({ block, tipping }) => shape.block(block, tipping));
      return { blocks: shown, total: blocks.length };
    },
    'POST /v1/blocks': (call) => {
      const fields = fieldsOf(call);
      const site = warden.sites.named(textIn(fields, 'site') ?? '');
      const client = warden.clientNamed(textIn(fields, 'client') ?? '');
      const forMs = (secondsIn(fields, 'forSeconds') ?? warden.blockMs / 1000) * 1000;
      return { block: shape.block(warden.block(site, client, forMs, textIn(fields, 'reason') ?? ''), null) };
    },
    'DELETE /v1/blocks/:client': (call) => {
      const client = warden.clientNamed(call.params['client'] ?? '');
      const lifted = warden.unblock(client, siteIn(call.query.get('site')));
      return { lifted: lifted.map((block) => shape.block(block, null)) };
    },
  };
}

function exemptionRoutes(warden: Warden): Record<string, Handler> {
  const list = () => ({ exemptions: warden.exemptions().map(exemptionShape) });
  const siteName = (name: string | null | undefined) =>
    name === null || name === undefined ? null : warden.sites.named(name).name;
  return {
    'GET /v1/exemptions': list,
    'POST /v1/exemptions': (call) => {
      const fields = fieldsOf(call);
      const forSeconds = secondsIn(fields, 'forSeconds');
      warden.exempt({
        network: textIn(fields, 'network') ?? '',
        site: siteName(textIn(fields, 'site')),
        reason: (textIn(fields, 'reason') ?? '').slice(0, 500),
        untilMs: forSeconds === undefined ? null : warden.nowMs + forSeconds * 1000,
      });
      return list();
    },
    'DELETE /v1/exemptions/:network': (call) => {
      const network = call.params['network'] ?? '';
      if (warden.unexempt(network, siteName(call.query.get('site')))) return list();
      throw new AppError(`There is no exemption for '${network}'.`, {
        code: 'E_NOT_FOUND',
        exit: ExitCode.usage,
        hint: '"throttle exempt" lists them; that of this machine ends with --no-exempt-loopback.',
      });
    },
  };
}

function viewRoutes(warden: Warden, about: About): Record<string, Handler> {
  const shape = shapes(warden);
  return {
    'GET /v1/clients': (call) => {
      const name = call.query.get('site');
      const site = name === null ? null : warden.sites.named(name);
      return shape.top(site, limitOf(call, 20));
    },
    'GET /v1/explain/:client': (call) => {
      const text = call.params['client'] ?? '';
      const client = warden.clientNamed(text);
      const name = call.query.get('site');
      const sites = name === null ? warden.sites.all() : [warden.sites.named(name)];
      const address = text.replace(/\/\d+$/, '');
      const found = sites.flatMap((site) => {
        const { standing, block, tipping } = warden.standing(site, client);
        const exempt = warden.exemptionOf(site, address, warden.nowMs);
        const isOwn = exempt !== null && exempt.site !== null;
        if (name === null && block === null && standing.share === 0 && !isOwn) return [];
        return [
          {
            standing: shape.standing(standing),
            block: block && shape.block(block, tipping),
            exempt: exempt && exemptionShape(exempt),
            next: warden.top(site, 3).map(shape.standing),
          },
        ];
      });
      const everywhere = warden.exemptionOf(null, address, warden.nowMs);
      return { client: client.text, exempt: everywhere && exemptionShape(everywhere), sites: found };
    },
    'GET /v1/status': () => ({ service: describeService(warden, about) }),
    'GET /v1/events': () => {
      about.events.admit();
      return new StreamAnswer((response) => about.events.attach(response));
    },
    'GET /v1/openapi.json': () => {
      if (about.openApi !== null) return new TextAnswer('application/json', about.openApi);
      throw new AppError('The document is not installed.', {
        code: 'E_NOT_FOUND',
        exit: ExitCode.unavailable,
      });
    },
  };
}

/** What the service says about itself. */
export function describeService(warden: Warden, about: About): ThrottleService {
  const { version, sinceMs, listening } = about;
  const savedMs = about.savedMs();
  const { evictedLive, evictedMaxShare } = warden.loss;
  return {
    version,
    since: iso(sinceMs),
    window: warden.window,
    windowSeconds: warden.windowMs / 1000,
    blockSeconds: warden.blockMs / 1000,
    ipv6Prefix: warden.prefix,
    trustedProxies: about.trusted,
    listening: listening(),
    sites: warden.sites.all().length,
    blocks: warden.blocks().length,
    tracked: warden.tracked,
    evictedLive,
    evictedMaxShare,
    storeFailures: warden.storeFailures,
    heaviest: shapes(warden).networks(null, HEAVIEST),
    countersSaved: savedMs === null ? null : iso(savedMs),
  };
}

/** Tell everybody who watches who is nearest to a block. */
export function publishTop(warden: Warden, events: EventHub): void {
  if (events.size > 0) events.publish('top', shapes(warden).top(null, WATCHED));
}

/** Figures for Prometheus. No client is in a label: there may be millions. */
export function addMetrics(metrics: Metrics, warden: Warden, about: About): void {
  const bySite =
    (read: (site: Site) => number, more: Readonly<Record<string, string>> = {}) =>
    () =>
      warden.sites.all().map((site) => [{ site: site.name, ...more }, read(site)] as const);
  metrics.gauge(
    'throttle_requests_total',
    'Requests, by what was decided.',
    () => [
      ...bySite((site) => warden.totalsOf(site).servedRequests, { decision: 'served' })(),
      ...bySite((site) => warden.totalsOf(site).refusedRequests, { decision: 'refused' })(),
    ],
    'counter',
  );
  metrics.gauge(
    'throttle_bytes_total',
    'Bytes served.',
    bySite((site) => warden.totalsOf(site).servedBytes),
    'counter',
  );
  metrics.gauge(
    'throttle_blocks_total',
    'Blocks that began.',
    () =>
      (['requests', 'bytes', 'manual'] as const).flatMap((limit) =>
        bySite((site) => warden.totalsOf(site).blocks[limit], { limit })(),
      ),
    'counter',
  );
  metrics.gauge(
    'throttle_would_refuse_total',
    'Requests that a site in mode dry would have refused.',
    bySite((site) => warden.totalsOf(site).wouldRefuse),
    'counter',
  );
  metrics.gauge('throttle_blocked_clients', 'Clients that are blocked now.', () => {
    const blocked = new Map<number, number>();
    for (const { block } of warden.blocks()) blocked.set(block.site, (blocked.get(block.site) ?? 0) + 1);
    return bySite((site) => blocked.get(site.number) ?? 0)();
  });
  metrics.gauge(
    'throttle_over_budget_total',
    'Requests that were refused because all clients together had too much.',
    bySite((site) => warden.totalsOf(site).overBudget),
    'counter',
  );
  metrics.gauge(
    'throttle_store_failures_total',
    'Writes to the database that failed.',
    () => [[{}, warden.storeFailures]],
    'counter',
  );
  metrics.gauge('throttle_event_listeners', 'Who watches.', () => [[{}, about.events.size]]);
  metrics.gauge(
    'throttle_event_listeners_cut_off_total',
    'Watchers that were cut off because they read too slowly.',
    () => [[{}, about.events.cutOff]],
    'counter',
  );
  metrics.gauge('throttle_snapshot_age_seconds', 'Since the counters were saved.', () => {
    const savedMs = about.savedMs();
    return savedMs === null ? [] : [[{}, (warden.nowMs - savedMs) / 1000]];
  });
  metrics.gauge('throttle_tracked_clients', 'Clients that are counted.', () => [[{}, warden.tracked]]);
  metrics.gauge(
    'throttle_evicted_live_total',
    'Clients that were forgotten early, for want of memory.',
    () => [[{}, warden.loss.evictedLive]],
    'counter',
  );
  metrics.gauge(
    'throttle_evicted_max_share',
    'The largest share of a limit that one of those had used.',
    () => [[{}, warden.loss.evictedMaxShare]],
  );
}

/** Everything that the admin API answers. */
export function adminRoutes(warden: Warden, about: About, metrics: Metrics): Record<string, Handler> {
  return {
    ...siteRoutes(warden),
    ...policyRoutes(warden),
    ...blockRoutes(warden),
    ...exemptionRoutes(warden),
    ...viewRoutes(warden, about),
    'GET /metrics': () => new TextAnswer('text/plain; version=0.0.4; charset=utf-8', metrics.render()),
    'GET /healthz': () => ({ status: 'ok' }),
  };
}
