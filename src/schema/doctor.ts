import { z } from 'zod';
import { type Frozen, report } from './report.ts';

export const doctor = z.strictObject({
  ...report.shape,
  controls: z
    .array(
      z.strictObject({
        host: z.string(),
        ip: z.string(),
        port: z.int(),
        outcome: z.enum(['connected', 'refused', 'timeout', 'unreachable']),
      }),
    )
    .describe('Mail servers that were connected to, to see whether the way out is open.'),
});

export type DoctorResult = Frozen<z.infer<typeof doctor>>;
