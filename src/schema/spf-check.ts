import { z } from 'zod';
import { type Frozen, report } from './report.ts';

const text = z.string().nullable();

export const spfResult = z
  .enum(['pass', 'fail', 'softfail', 'neutral', 'none', 'temperror', 'permerror'])
  .describe('RFC 8601 §2.7.2.');

const term = z.strictObject({
  term: z.string().describe('As published.'),
  outcome: z.enum(['match', 'no-match', 'not-reached', 'temperror', 'permerror']),
  lookups: z.int().describe('DNS lookups that it cost, those below it included.'),
  target: text.describe('The name it asks about, macros expanded.'),
  found: z.array(z.string()).describe('Addresses or names of the target, the first ten.'),
  note: text,
  get below() {
    return spfTree.nullable();
  },
});

/** A record as it was evaluated. */
export const spfTree = z.strictObject({
  domain: z.string(),
  record: text,
  result: spfResult,
  reason: text.describe('What led to an error or to no result.'),
  terms: z.array(term),
  omitted: z.int().describe('Terms of a very long record that are left out; the one that decided never is.'),
});

/** A record that a domain's record leads to, whoever the client is. */
export const spfSurveyed = z.strictObject({
  domain: z.string(),
  path: z.array(z.string()).describe('Domains that lead to it, the one asked about first.'),
  record: text,
  lookups: z.int().describe('Of its own terms.'),
  problem: text,
});

export const spfCheck = z.strictObject({
  ...report.shape,
  result: spfResult.nullable().describe('null: no client was named, only the records were looked at.'),
  domain: z.string().describe('The domain whose record it is.'),
  identity: z.enum(['mailfrom', 'helo']).nullable(),
  ip: text,
  helo: text,
  mailFrom: text,
  lookups: z.int().describe('Of the evaluation; without a client, of all terms.'),
  voidLookups: z.int(),
  explanation: text.describe('What the owner of the domain says of a fail: untrusted text.'),
  reason: text,
  tree: spfTree.nullable(),
  records: z.array(spfSurveyed).describe('All records that there are on the way; empty in a batch.'),
});

export type SpfCheckResult = Frozen<z.infer<typeof spfCheck>>;
export type SpfSurveyedRecord = Frozen<z.infer<typeof spfSurveyed>>;
