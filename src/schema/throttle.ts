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
