import { z } from 'zod';
import { type Frozen, report } from './report.ts';

export const completion = z.strictObject({
  ...report.shape,
  shell: z.enum(['bash', 'zsh', 'fish']).nullable(),
  script: z.string().nullable().describe('To be sourced by the shell.'),
  words: z
    .array(z.strictObject({ word: z.string(), about: z.string() }))
    .nullable()
    .describe('Names of one kind that are known on this machine.'),
});

export type CompletionResult = Frozen<z.infer<typeof completion>>;
