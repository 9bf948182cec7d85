import { z } from 'zod';
import { LEVELS, POLICIES } from '../policy/terms.ts';
import { phase, tls } from './mx-probe.ts';
import { type Frozen, report } from './report.ts';

const fallback = z.strictObject({
  from: z.literal('starttls'),
  phase,
  kind: z.string().describe('Such as closed, alert, injection.'),
  reason: z.string(),
  evidence: z.string().optional(),
});

const delivery = z.strictObject({
  recipient: z.string(),
  mx: z.string().nullable().describe('The exchanger that decided; null when none was reached.'),
  address: z.string().nullable(),
  status: z
    .enum(['delivered', 'deferred', 'refused', 'unknown', 'stopped'])
    .describe('stopped: nothing was sent, as asked (--stop-after).'),
  encrypted: z.boolean(),
  tls: tls.nullable(),
  fallback: fallback.nullable().describe('Why it went in plaintext although STARTTLS was offered.'),
  reply: z.string().nullable().describe('The words of the server that decided.'),
  queueId: z
    .string()
    .nullable()
    .describe('Identifier at the receiving server, to be found in its Received line.'),
  reason: z.string().nullable().describe('Why it was not delivered.'),
  longGreeting: z
    .boolean()
    .nullable()
    .describe(
      'The server greeted with a line longer than the standard allows; null when that was not looked at.',
    ),
  level: z.enum(LEVELS).nullable().describe('What was demanded of this server; null when none was reached.'),
  levelReason: z.string().nullable().describe('Why that was demanded.'),
});

export const send = z.strictObject({
  ...report.shape,
  policy: z.enum(POLICIES),
  messageId: z.string().nullable(),
  sizeBytes: z.int(),
  deliveries: z.array(delivery),
});

export type SendResult = Frozen<z.infer<typeof send>>;
export type Delivery = Frozen<z.infer<typeof delivery>>;
export type Fallback = Frozen<z.infer<typeof fallback>>;
