import { z } from 'zod';
import { type Frozen, report } from './report.ts';
import { verdictShape } from './trust.ts';

const { authorDomain: _, ...standing } = verdictShape;

const entry = z.strictObject({
  mediator: z.string(),
  id: z.string(),
  organization: z.string(),
  domain: z.string().describe('The listed domain: the one asked about or one above it.'),
  covers: z.boolean().describe('The entry reaches the domain asked about.'),
  status: z.enum(['active', 'suspended', 'revoked']),
  validFrom: z.iso.datetime(),
  validUntil: z.iso.datetime(),
  level: z.string().describe('What the mediator made sure of.'),
  checkedAt: z.iso.datetime(),
  checkedBy: z.array(z.string()),
  nextReview: z.iso.datetime(),
  mailTypes: z.array(z.string()).describe('RFC 5518 §5.3.'),
});

/** `trust show`: the best that mail of a domain can be. */
export const trustShow = z.strictObject({
  ...report.shape,
  ...standing,
  domain: z.string().describe('A-labels, lower case.'),
  unicode: z.string(),
  entries: z.array(entry),
});

export type TrustShowResult = Frozen<z.infer<typeof trustShow>>;
