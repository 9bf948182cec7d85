import { z } from 'zod';
import { type Frozen, report } from './report.ts';

export const help = z.strictObject({
  ...report.shape,
  text: z.array(z.string()).describe('The page, line by line.'),
});

export type HelpResult = Frozen<z.infer<typeof help>>;
