import { z } from 'zod';
import { type Frozen, report } from './report.ts';

export const completion = z.strictObject({
  ...report.shape,
  shell: z.enum(['bash', 'zsh', 'fish']),
  script: z.string().describe('To be sourced by the shell.'),
});

export type CompletionResult = Frozen<z.infer<typeof completion>>;
