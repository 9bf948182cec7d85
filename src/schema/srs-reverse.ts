import { z } from 'zod';
import { type Frozen, report } from './report.ts';

export const srsReverse = z.strictObject({
  ...report.shape,
  kind: z.enum(['srs0', 'srs1']),
  address: z.string().nullable().describe('Where the bounce goes; null when it was refused.'),
  original: z.string().nullable().describe('The sender that it began with, as far as it can be read.'),
  verified: z.boolean().nullable().describe('null: only read, with --explain.'),
  ageDays: z
    .int()
    .nullable()
    .describe('Days since the address was made, from 0 to 1023; the days come round.'),
});

export type SrsReverseResult = Frozen<z.infer<typeof srsReverse>>;
