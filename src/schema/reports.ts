import { z } from 'zod';
import { type Frozen, report } from './report.ts';

const count = z.int().nonnegative();

/** What all summaries of reports say first. */
const summed = z.strictObject({
  ...report.shape,
  reports: count.describe('Different reports that were read.'),
  repeated: count.describe('Reports that were there more than once; each counts once.'),
  failed: z
    .array(z.strictObject({ file: z.string(), message: z.string() }))
    .describe('Files that could not be read.'),
  reporters: z.array(z.string()).describe('Who sent them: untrusted text.'),
  begin: z.iso.datetime().nullable(),
  end: z.iso.datetime().nullable(),
});

export const dmarcSource = z.strictObject({
  ip: z.string(),
  domain: z.string().describe('The domain that the reports are about.'),
  kind: z
    .enum(['passes', 'forwarded', 'broken', 'misaligned', 'unauthenticated'])
    .describe('What it is, by what most of its failing messages look like.'),
  messages: count,
  failing: count.describe('Messages that failed DMARC.'),
  quarantined: count,
  rejected: count,
  headerFrom: z.array(z.string()),
  authenticated: z.array(z.string()).describe('Domains for which SPF or DKIM passed.'),
  failedAs: z
    .array(z.string())
    .describe('Mechanism, domain and result of what failed, for the domain itself.'),
  overrides: z.array(z.string()).describe('Why receivers did not do as the policy says.'),
  advice: z.string().nullable(),
});

export const reportDmarc = z.strictObject({
  ...summed.shape,
  domains: z.array(
    z.strictObject({
      domain: z.string(),
      policy: z.string().describe('As the latest report saw it.'),
      messages: count,
      failing: count,
    }),
  ),
  sources: z.array(dmarcSource).describe('The most failing messages first.'),
});

export const reportTls = z.strictObject({
  ...summed.shape,
  domains: z.array(
    z.strictObject({
      domain: z.string(),
      policy: z.enum(['tlsa', 'sts', 'no-policy-found']),
      enforced: z.boolean().describe('Failing means that mail was not delivered.'),
      sessions: count,
      failing: count,
    }),
  ),
  failures: z.array(
    z.strictObject({
      result: z.string().describe('RFC 8460 §4.3.'),
      domain: z.string(),
      policy: z.enum(['tlsa', 'sts', 'no-policy-found']),
      receivingMx: z.string().nullable(),
      receivingIps: z.array(z.string()),
      senders: z.array(z.string()).describe('Who reported it.'),
      reasons: z.array(z.string()),
      sessions: count,
      advice: z.string(),
    }),
  ),
});

export type ReportDmarcResult = Frozen<z.infer<typeof reportDmarc>>;
export type ReportTlsResult = Frozen<z.infer<typeof reportTls>>;
export type DmarcSource = ReportDmarcResult['sources'][number];
