import { z } from 'zod';
import { type Frozen, report } from './report.ts';

export const srsForward = z.strictObject({
  ...report.shape,
  kind: z.enum(['srs0', 'srs1', 'unchanged']),
  address: z.string().describe('The sender to use; empty for a bounce.'),
  reason: z.string().nullable().describe('Why it is unchanged.'),
});

export type SrsForwardResult = Frozen<z.infer<typeof srsForward>>;
