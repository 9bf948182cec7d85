import { z } from 'zod';
import { type Frozen, report } from './report.ts';

// Shapes of website throttling.

const limit = z.enum(['requests', 'bytes']);
const time = z.iso.datetime();
const count = z.int().min(0);
const demand = z.strictObject({ p50: z.number(), p95: z.number(), p99: z.number(), max: z.number() });

const demandStep = z.strictObject({
  upTo: z.number().nullable().describe('The most of this step; null where it has no end.'),
  people: count,
  programs: count,
});

const simulatedPreset = z.strictObject({
  totals: z.strictObject({
    clients: count.describe('Clients that would have been blocked.'),
    blocks: count,
    byRequests: count,
    byBytes: count,
    refusedRequests: count,
    refusedBytes: count,
    refusedShare: z.number().describe('Of all requests, 0 to 1.'),
    people: count.describe('Blocked clients that read like a person with a browser.'),
    peopleRequests: count,
    peopleBytes: count,
  }),
  clients: z.array(
    z.strictObject({
      client: z.string().describe('IPv4 address, IPv6 prefix, or a host name as the log has it.'),
      site: z.string().nullable(),
      looksHuman: z.boolean(),
      trips: z.array(
        z.strictObject({
          at: time,
          line: count.describe('In its file, from 1.'),
          limit,
          until: time,
          file: z.string().optional().describe('Where there are several.'),
        }),
      ),
      refusedRequests: count,
      refusedBytes: count,
    }),
  ),
});

const presetName = z.enum(['10000/200M', '2000/50M', '500/20M', '100/5M', '20/2M']);

export const throttleSimulate = z.strictObject({
  ...report.shape,
  files: z.array(z.string()),
  window: z.enum(['sliding', 'aligned']),
  site: z.string().nullable(),
  totals: z.strictObject({
    lines: count,
    broken: count.describe('Lines that could not be read.'),
    otherSites: count.describe('Requests for sites that were not asked about.'),
    requests: count,
    bytes: count,
    clients: count,
    people: count.describe('Clients that read like a person with a browser.'),
    sites: count,
    from: time.nullable(),
    to: time.nullable(),
  }),
  demand: z
    .strictObject({
      requests: demand,
      bytes: demand,
      steps: z
        .strictObject({ requests: z.array(demandStep), bytes: z.array(demandStep) })
        .describe('How many clients asked for how much; steps end where a preset does.'),
      busiest: z
        .array(
          z.strictObject({
            client: z.string(),
            site: z.string().nullable(),
            looksHuman: z.boolean(),
            requests: count,
            bytes: count,
          }),
        )
        .describe('The clients that asked for the most, at most 200.'),
    })
    .describe('What clients asked for in their busiest ten minutes.'),
  recommendation: z.strictObject({
    preset: presetName,
    sentence: z.string(),
    attackers: z.array(z.string()),
    catches: presetName
      .nullable()
      .describe('The loosest preset that refuses most of what attackers ask for.'),
    spares: presetName.nullable().describe('The tightest preset that blocks nobody who reads like a person.'),
  }),
  presets: z.strictObject({
    '10000/200M': simulatedPreset,
    '2000/50M': simulatedPreset,
    '500/20M': simulatedPreset,
    '100/5M': simulatedPreset,
    '20/2M': simulatedPreset,
  }),
  broken: z
    .array(z.strictObject({ file: z.string(), line: count, text: z.string() }))
    .describe('The first lines that could not be read.'),
});

export type ThrottleSimulateResult = Frozen<z.infer<typeof throttleSimulate>>;

// What the service answers. The commands put their verdict around it.

const mode = z.enum(['enforce', 'dry', 'off']);
const policy = z.strictObject({ limits: z.string().describe('Requests and bytes, such as 500/20M.'), mode });
const traffic = z.strictObject({ servedRequests: count, servedBytes: count, refusedRequests: count });

export const throttleSite = z.strictObject({
  name: z.string(),
  aliases: z.array(z.string()),
  policy: policy.describe('What holds now.'),
  until: time.nullable().describe('When a temporary policy ends; null when there is none.'),
  lasting: policy.describe('What holds without a temporary policy.'),
  budget: z
    .string()
    .nullable()
    .describe('Requests and bytes of all clients together; null when there is no such limit.'),
  spent: z
    .strictObject({ requests: count, bytes: count })
    .nullable()
    .describe('What all clients together had of the budget within the window.'),
  refusal: z.union([z.literal(429), z.literal(503)]).describe('Status of the error page.'),
  note: z.string(),
});

export const throttleBlock = z.strictObject({
  site: z.string(),
  client: z.string(),
  limit: z.enum(['requests', 'bytes', 'manual']),
  requests: count,
  bytes: count,
  since: time,
  until: time,
  retryAfter: count.describe('Seconds that are left.'),
  enforced: z.boolean().describe('False where the site only reports what it would refuse.'),
  tipping: z
    .strictObject({ method: z.string(), path: z.string(), userAgent: z.string() })
    .nullable()
    .describe('The request that began the block.'),
});

const standing = z.strictObject({
  site: z.string(),
  client: z.string(),
  requests: count,
  bytes: count,
  limits: z.string(),
  share: z.number().describe('Of the nearer limit that is used, 1 being all of it.'),
});

const network = z.strictObject({
  site: z.string(),
  network: z.string().describe('IPv4 /24 or IPv6 /48.'),
  requests: count.describe('Within the window, refused ones as well; estimated, never too low.'),
});

const exemption = z.strictObject({
  network: z.string(),
  site: z.string().nullable().describe('Null for every site.'),
  reason: z.string(),
  until: time.nullable(),
});

const sites = { ...report.shape, sites: z.array(throttleSite) };

export const throttleSiteList = z.strictObject(sites);
export const throttleSiteChange = z.strictObject({ ...report.shape, site: throttleSite });
export const throttleSiteShow = z.strictObject({
  ...report.shape,
  site: throttleSite,
  traffic: z.strictObject({ tenMinutes: traffic, day: traffic, month: traffic }),
  blocked: count.describe('Clients that are blocked now.'),
});
export const throttlePolicyList = z.strictObject({ ...sites, presets: z.array(z.string()) });
export const throttlePolicySet = z.strictObject(sites);
export const throttleBlocks = z.strictObject({ ...report.shape, blocks: z.array(throttleBlock) });
export const throttleBlockSet = z.strictObject({ ...report.shape, block: throttleBlock });
export const throttleUnblock = z.strictObject({ ...report.shape, lifted: z.array(throttleBlock) });
export const throttleExempt = z.strictObject({ ...report.shape, exemptions: z.array(exemption) });
const top = {
  totals: z
    .strictObject({ served: count, refused: count, bytes: count, blocked: count })
    .describe('Since the service started; blocked are clients now.'),
  clients: z.array(standing),
  networks: z.array(network).describe('Who asks the most, whether it is answered or not.'),
};

export const throttleTop = z.strictObject({
  ...report.shape,
  ...top,
  blocks: z.array(throttleBlock).describe('Clients that are blocked now, 20 at most; they count no more.'),
});

export const throttleExplain = z.strictObject({
  ...report.shape,
  client: z.string(),
  exempt: exemption.nullable().describe('What lets it pass on every site, without counting.'),
  sites: z.array(
    z.strictObject({
      standing,
      block: throttleBlock.nullable(),
      exempt: exemption.nullable(),
      next: z.array(standing).describe('Who is nearest to a block there.'),
    }),
  ),
});

const listener = z.strictObject({ for: z.enum(['admin', 'front', 'decision', 'dashboard']), at: z.string() });

export const throttleService = z.strictObject({
  version: z.string(),
  since: time,
  window: z.enum(['sliding', 'aligned']),
  windowSeconds: z.number(),
  blockSeconds: z.number(),
  ipv6Prefix: count,
  trustedProxies: z.array(z.string()).describe('Networks whose X-Forwarded-For is believed.'),
  listening: z.array(listener),
  sites: count,
  blocks: count,
  tracked: count.describe('Clients that are counted.'),
  evictedLive: count.describe('Clients that were forgotten early, for want of memory.'),
  evictedMaxShare: z.number(),
  heaviest: z.array(network).describe('Networks that ask the most.'),
  storeFailures: count.describe('Writes to the database that failed since the start.'),
  countersSaved: time.nullable().describe('When the counters were last saved; null when they are not.'),
});

export const throttleStatus = z.strictObject({
  ...report.shape,
  service: throttleService.nullable().describe('Null when it does not answer.'),
});

export const throttleServe = z.strictObject({ ...report.shape, service: throttleService });

export const throttleDashboard = z.strictObject({
  ...report.shape,
  url: z.string().describe('Opens the dashboard once.'),
  until: time.describe('When it stops working.'),
});

export const throttleCompile = z.strictObject({ ...report.shape, files: z.array(z.string()) });

export type ThrottleDashboardResult = Frozen<z.infer<typeof throttleDashboard>>;
export type ThrottleCompileResult = Frozen<z.infer<typeof throttleCompile>>;
export type ThrottleSite = Frozen<z.infer<typeof throttleSite>>;
export type ThrottleBlock = Frozen<z.infer<typeof throttleBlock>>;
export type ThrottleStanding = Frozen<z.infer<typeof standing>>;
export type ThrottleExemption = Frozen<z.infer<typeof exemption>>;
export type ThrottleNetwork = Frozen<z.infer<typeof network>>;
export type ThrottleListener = Frozen<z.infer<typeof listener>>;
export type ThrottleService = Frozen<z.infer<typeof throttleService>>;
export type ThrottleSiteListResult = Frozen<z.infer<typeof throttleSiteList>>;
export type ThrottleSiteChangeResult = Frozen<z.infer<typeof throttleSiteChange>>;
export type ThrottleSiteShowResult = Frozen<z.infer<typeof throttleSiteShow>>;
export type ThrottlePolicyListResult = Frozen<z.infer<typeof throttlePolicyList>>;
export type ThrottlePolicySetResult = Frozen<z.infer<typeof throttlePolicySet>>;
export type ThrottleBlocksResult = Frozen<z.infer<typeof throttleBlocks>>;
export type ThrottleBlockResult = Frozen<z.infer<typeof throttleBlockSet>>;
export type ThrottleUnblockResult = Frozen<z.infer<typeof throttleUnblock>>;
export type ThrottleExemptResult = Frozen<z.infer<typeof throttleExempt>>;
export type ThrottleTopResult = Frozen<z.infer<typeof throttleTop>>;
export type ThrottleExplainResult = Frozen<z.infer<typeof throttleExplain>>;
export type ThrottleStatusResult = Frozen<z.infer<typeof throttleStatus>>;
export type ThrottleServeResult = Frozen<z.infer<typeof throttleServe>>;

// The API of the service: what each route takes and gives. The OpenAPI document is made from it.

/** One route. */
type Operation = {
  readonly summary: string;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** A schema for JSON, a media type for anything else. */
  readonly answer: z.ZodType | string;
};

const limits = z
  .string()
  .regex(/^\d+\/\d+[kKMG]?$/)
  .describe('Requests and bytes, such as 500/20M.');
const forSeconds = z
  .number()
  .gt(0)
  .max(366 * 86_400)
  .describe('Only for so long.');
const ofSite = z.strictObject({ site: z.string().optional().describe('This site alone.') });
const details = {
  aliases: z.array(z.string()).max(100).optional(),
  refusal: z.union([z.literal(429), z.literal(503)]).optional(),
  budget: limits.nullable().optional().describe('Of all clients together; null for none.'),
  note: z.string().max(500).optional(),
};
const change = z.strictObject({
  limits: limits.optional(),
  mode: mode.optional(),
  forSeconds: forSeconds.optional(),
});
const oneSite = z.strictObject({ site: throttleSite });
const allSites = z.strictObject({ sites: z.array(throttleSite) });
const someExemptions = z.strictObject({ exemptions: z.array(exemption) });

/** What the API says when it does not do something. */
export const throttleFailure = z.strictObject({
  error: z.strictObject({
    code: z.string().describe('Such as E_NOT_FOUND; the README lists them.'),
    message: z.string(),
    hint: z.string().optional(),
    exit: z.int().describe('Exit code of the command that asked.'),
  }),
});

export const throttleApi: Readonly<Record<string, Operation>> = {
  'GET /v1/sites': { summary: 'Every site with its policy.', answer: allSites },
  'POST /v1/sites': {
    summary: 'Add a site; it takes 10000/200M unless limits are given.',
    body: z.strictObject({ name: z.string(), limits: limits.optional(), mode: mode.optional(), ...details }),
    answer: oneSite,
  },
  'GET /v1/sites/:name': {
    summary: 'A site, and what it served and refused.',
    answer: z.strictObject({
      site: throttleSite,
      traffic: z.strictObject({ tenMinutes: traffic, day: traffic, month: traffic }),
      blocked: count,
    }),
  },
  'PUT /v1/sites/:name': {
    summary: 'Change names, budget, error page or note.',
    body: z.strictObject(details),
    answer: oneSite,
  },
  'DELETE /v1/sites/:name': { summary: 'Remove a site and its blocks.', answer: oneSite },
  'PUT /v1/sites/:name/policy': {
    summary: 'Set what each client may have from a site.',
    body: change,
    answer: allSites,
  },
  'PUT /v1/policy': { summary: 'Set the same for every site.', body: change, answer: allSites },
  'GET /v1/blocks': {
    summary: 'Every client that is blocked now, the latest first.',
    query: ofSite.extend({
      limit: z.coerce.number().int().min(1).max(1000).optional().describe('So many; all without it.'),
    }),
    answer: z.strictObject({ blocks: z.array(throttleBlock), total: count }),
  },
  'POST /v1/blocks': {
    summary: 'Block a client.',
    body: z.strictObject({
      site: z.string(),
      client: z.string(),
      forSeconds: forSeconds.optional(),
      reason: z.string().optional(),
    }),
    answer: z.strictObject({ block: throttleBlock }),
  },
  'DELETE /v1/blocks/:client': {
    summary: 'End the blocks of a client.',
    query: ofSite,
    answer: z.strictObject({ lifted: z.array(throttleBlock) }),
  },
  'GET /v1/exemptions': { summary: 'Who passes without counting.', answer: someExemptions },
  'POST /v1/exemptions': {
    summary: 'Let a network pass.',
    body: z.strictObject({
      network: z.string(),
      site: z.string().optional(),
      forSeconds: forSeconds.optional(),
      reason: z.string().optional(),
    }),
    answer: someExemptions,
  },
  'DELETE /v1/exemptions/:network': {
    summary: 'Count a network again.',
    query: ofSite,
    answer: someExemptions,
  },
  'GET /v1/clients': {
    summary: 'Who is nearest to a block, and the networks that ask the most.',
    query: ofSite.extend({
      limit: z.coerce.number().int().min(1).max(1000).optional().describe('So many of each.'),
    }),
    answer: z.strictObject(top),
  },
  'GET /v1/explain/:client': {
    summary: 'How a client stands, and why.',
    query: ofSite,
    answer: throttleExplain.pick({ client: true, exempt: true, sites: true }),
  },
  'GET /v1/status': { summary: 'The service itself.', answer: z.strictObject({ service: throttleService }) },
  'GET /v1/events': {
    summary:
      'What happens, as it happens: blocked, unblock, policy-set and others, and each second "top" with the answer of /v1/clients. Who reads too slowly is cut off.',
    answer: 'text/event-stream',
  },
  'POST /v1/dashboard': {
    summary: 'Open the dashboard on loopback, and get an address that works once.',
    body: z.strictObject({ port: z.int().min(0).max(65_535).optional().describe('0 or none for any.') }),
    answer: z.strictObject({ url: z.string(), until: time }),
  },
  'GET /v1/openapi.json': { summary: 'This document.', answer: z.looseObject({ openapi: z.string() }) },
  'GET /metrics': { summary: 'Figures for Prometheus.', answer: 'text/plain' },
  'GET /healthz': {
    summary: 'Whether the service answers; no token is needed.',
    answer: z.strictObject({ status: z.literal('ok') }),
  },
};
