import { z } from 'zod';
import { PROGRAMS } from '../explain/types.ts';
import { type Frozen, report } from './report.ts';

const explanation = z.strictObject({
  id: z.string(),
  what: z.string().describe('What is looked at.'),
  why: z.string().describe('Why it matters.'),
  fix: z.string().describe('What to do when it is not ok.'),
  programs: z
    .partialRecord(z.enum(PROGRAMS), z.string())
    .optional()
    .describe('The same in the words of single programs.'),
  ref: z.string().optional(),
});

export const explain = z.strictObject({
  ...report.shape,
  explanations: z.array(explanation).describe('Of the checks asked for, or of all.'),
});

export type ExplainResult = Frozen<z.infer<typeof explain>>;
