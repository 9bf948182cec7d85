import { z } from 'zod';
import { type Frozen, report, status } from './report.ts';
import { spfSurveyed } from './spf-check.ts';

const text = z.string().nullable();
const policy = z.enum(['none', 'quarantine', 'reject']).nullable();

const selector = z.strictObject({
  selector: z.string(),
  given: z.boolean().describe('Asked for with --selector; otherwise found by trying common ones.'),
  name: z.string(),
  state: z.enum(['found', 'missing', 'revoked', 'invalid', 'unavailable']),
  type: z.enum(['rsa', 'ed25519']).nullable(),
  bits: z.int().nullable(),
  testing: z.boolean(),
});

const vouching = z.strictObject({
  voucher: z.string(),
  types: z.array(z.string()).describe('Kinds of mail that it vouches for (RFC 5518); empty for none.'),
  unknown: z.boolean(),
});

export const domainCheck = z.strictObject({
  ...report.shape,
  domain: z.string(),
  sendsMail: z.boolean().describe('false: its SPF record says that no server sends in its name.'),
  spf: z.strictObject({
    status,
    lookups: z.int().describe('Of all terms, if nothing matched before.'),
    voidLookups: z.int(),
    records: z.array(spfSurveyed),
  }),
  dkim: z.strictObject({ status, wildcard: z.boolean(), selectors: z.array(selector) }),
  dmarc: z.strictObject({
    status,
    record: text,
    policyDomain: text.describe('Where the record is.'),
    orgDomain: text,
    p: policy,
    sp: policy,
    rua: z.array(z.string()),
  }),
  bimi: z.strictObject({ status, record: text, location: text, authority: text }),
  mtaSts: z.strictObject({
    status,
    kind: z
      .enum(['found', 'none', 'invalid-record', 'failed', 'unknown'])
      .nullable()
      .describe('Null where the domain takes no mail.'),
    mode: z.enum(['enforce', 'testing', 'none']).nullable(),
    mx: z.array(z.string()),
  }),
  dane: z.strictObject({
    status,
    hosts: z.array(
      z.strictObject({
        host: z.string(),
        kind: z.enum(['not-secure', 'none', 'records', 'failed']),
        records: z.array(z.string()),
      }),
    ),
  }),
  tlsRpt: z.strictObject({ status, record: text }),
  vbr: z.strictObject({ status, vouchings: z.array(vouching) }),
});

export type DomainCheckResult = Frozen<z.infer<typeof domainCheck>>;
