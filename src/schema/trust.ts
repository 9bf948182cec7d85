import { z } from 'zod';
import type { Frozen } from './report.ts';

const text = z.string().nullable();

export const verdict = z
  .enum(['trusted', 'authenticated', 'open-signup', 'unauthenticated', 'suspicious'])
  .describe('authenticated: the domain is proved, and nobody vouches for it.');

export const evidence = z.strictObject({
  field: z.int().optional().describe('Index into the fields of the header, from 0 at the top.'),
  quote: z.string().optional().describe('What stands there; text from outside.'),
  dns: z.string().optional().describe('A DNS name that was asked.'),
  rcode: z.string().optional().describe('Why it has no answer: an rcode, or TIMEOUT, OFFLINE and the like.'),
  source: z.string().optional().describe('A list that was looked into: its mediator, or local.'),
});

export const reason = z.strictObject({
  code: z.string().describe('Stable identifier, such as dkim.partial-body or registry.active:ID.'),
  severity: z.enum(['info', 'warn', 'crit']),
  text: z.string().describe('One sentence.'),
  evidence: evidence.nullable(),
});

export const organization = z.strictObject({
  name: z.string().describe('As the list has it, never as the message does.'),
  legalName: text,
  country: text.describe('ISO 3166-1 alpha-2.'),
  website: text,
});

export const voucher = z.strictObject({
  source: z.string().describe('Identifier of the mediator, or local.'),
  mediator: z.string(),
  entry: z.string().describe('Identifier of the entry.'),
});

/** What every verdict has. */
export const verdictShape = {
  verdict,
  reasons: z.array(reason).describe('Every reason, the decisive ones first.'),
  authorDomain: text,
  organization: organization.nullable().describe('Only when trusted.'),
  vouchers: z.array(voucher).describe('Only when trusted.'),
  wouldTrust: text.describe('What would make it trusted; null when it is.'),
} as const;

export type Verdict = z.infer<typeof verdict>;
export type Reason = Frozen<z.infer<typeof reason>>;
export type Organization = Frozen<z.infer<typeof organization>>;
export type Voucher = Frozen<z.infer<typeof voucher>>;
