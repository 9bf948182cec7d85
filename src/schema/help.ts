import { z } from 'zod';
import { report } from './report.ts';

export const help = z.strictObject({
  ...report.shape,
  text: z.array(z.string()).describe('The page, line by line.'),
});

export type HelpResult = z.infer<typeof help>;
