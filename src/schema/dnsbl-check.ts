import { z } from 'zod';
import { type Frozen, report } from './report.ts';

const list = z.strictObject({
  zone: z.string().describe('As the list is known; a key that was used is not part of it.'),
  title: z.string(),
  purpose: z.enum(['block', 'allow']),
  outcome: z
    .enum(['listed', 'not-listed', 'error', 'timeout', 'broken'])
    .describe('error, timeout, broken: nothing is known, neither good nor bad.'),
  codes: z.array(z.strictObject({ address: z.string(), meaning: z.string() })),
  text: z.string().nullable().describe('The list’s own words: untrusted text.'),
  reason: z.string().nullable(),
  removal: z.string().nullable(),
});

export const dnsblCheck = z.strictObject({
  ...report.shape,
  subject: z.string().describe('The address or domain in its one spelling.'),
  kind: z.enum(['ipv4', 'ipv6', 'domain']),
  resolver: z.strictObject({
    server: z.string(),
    publicOperator: z.string().nullable(),
    rewrites: z.boolean().nullable().describe('Whether it answers for names that do not exist.'),
  }),
  lists: z.array(list),
});

export type DnsblCheckResult = Frozen<z.infer<typeof dnsblCheck>>;
