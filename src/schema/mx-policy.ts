import { z } from 'zod';
import { type Frozen, report } from './report.ts';

const host = z.strictObject({
  host: z.string(),
  preference: z.int().nullable(),
  dane: z
    .enum(['usable', 'mx-insecure', 'unusable', 'none', 'failed', 'unknown'])
    .describe('mx-insecure: usable records, but unsigned MX records name the host; failed is no absence.'),
  reason: z.string(),
});

const effective = z.strictObject({
  policy: z.enum(['dane-only', 'dane', 'secure', 'may']).describe('In the names of Postfix.'),
  match: z.array(z.string()).describe('Names that the certificate must be for, with secure.'),
});

export const mxPolicy = z.strictObject({
  ...report.shape,
  domain: z.string(),
  exchangers: z.strictObject({
    kind: z.enum(['listed', 'implicit', 'null-mx', 'no-domain', 'unknown']),
    dnssec: z.enum(['secure', 'insecure', 'bogus', 'indeterminate', 'untrusted']),
  }),
  hosts: z.array(host),
  mtaSts: z.strictObject({
    kind: z.enum(['found', 'none', 'invalid-record', 'failed', 'unknown']),
    mode: z.enum(['enforce', 'testing', 'none']).nullable(),
    mx: z.array(z.string()),
  }),
  effective: effective.nullable().describe('Null where a look-up failed, or nothing can be said.'),
  reason: z.string(),
  postfix: z.string().nullable().describe('The line for smtp_tls_policy_maps.'),
});

export type MxPolicyResult = Frozen<z.infer<typeof mxPolicy>>;
export type PolicyHost = Frozen<z.infer<typeof host>>;
export type EffectivePolicy = Frozen<z.infer<typeof effective>>;
