import { z } from 'zod';
import { type Frozen, report } from './report.ts';

const verdict = z.enum(['authenticated', 'mismatch', 'unusable']).nullable();

export const mxTlsaCheck = z.strictObject({
  ...report.shape,
  host: z.string(),
  port: z.int(),
  name: z.string().nullable().describe('Where the records are.'),
  ttl: z.int().nullable().describe('Seconds that caches may go on with them.'),
  records: z.array(z.string()),
  present: verdict.describe('The certificate in use against the records; null when it is not known.'),
  next: verdict.describe('The new certificate against the records; null without records.'),
});

export const mxTlsaMake = z.strictObject({
  ...report.shape,
  records: z.array(
    z.strictObject({
      name: z.string(),
      record: z.string().describe('Such as 3 1 1 and the digest.'),
      line: z.string().describe('For the zone file.'),
    }),
  ),
});

export type MxTlsaCheckResult = Frozen<z.infer<typeof mxTlsaCheck>>;
export type MxTlsaMakeResult = Frozen<z.infer<typeof mxTlsaMake>>;
