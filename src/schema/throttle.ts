import { z } from 'zod';
import { type Frozen, report } from './report.ts';

// Shapes of website throttling.

const limit = z.enum(['requests', 'bytes']);
const time = z.iso.datetime();
const count = z.int().min(0);
const demand = z.strictObject({ p50: z.number(), p95: z.number(), p99: z.number(), max: z.number() });

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
    .strictObject({ requests: demand, bytes: demand })
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
export const throttleTop = z.strictObject({ ...report.shape, clients: z.array(standing) });

export const throttleExplain = z.strictObject({
  ...report.shape,
  client: z.string(),
  sites: z.array(
    z.strictObject({
      standing,
      block: throttleBlock.nullable(),
      exempt: exemption.nullable(),
      next: z.array(standing).describe('Who is nearest to a block there.'),
    }),
  ),
});

const listener = z.strictObject({ for: z.enum(['admin', 'front', 'decision']), at: z.string() });

export const throttleService = z.strictObject({
  version: z.string(),
  since: time,
  window: z.enum(['sliding', 'aligned']),
  windowSeconds: z.number(),
  blockSeconds: z.number(),
  ipv6Prefix: count,
  listening: z.array(listener),
  sites: count,
  blocks: count,
  tracked: count.describe('Clients that are counted.'),
  evictedLive: count.describe('Clients that were forgotten early, for want of memory.'),
  evictedMaxShare: z.number(),
});

export const throttleStatus = z.strictObject({
  ...report.shape,
  service: throttleService.nullable().describe('Null when it does not answer.'),
});

export const throttleServe = z.strictObject({ ...report.shape, service: throttleService });

export const throttleCompile = z.strictObject({ ...report.shape, files: z.array(z.string()) });

export type ThrottleCompileResult = Frozen<z.infer<typeof throttleCompile>>;
export type ThrottleSite = Frozen<z.infer<typeof throttleSite>>;
export type ThrottleBlock = Frozen<z.infer<typeof throttleBlock>>;
export type ThrottleStanding = Frozen<z.infer<typeof standing>>;
export type ThrottleExemption = Frozen<z.infer<typeof exemption>>;
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
