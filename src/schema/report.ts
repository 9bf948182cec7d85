import { z } from 'zod';

// The shapes of every JSON document, once: types are inferred from here (`import type`, so that zod is not
// loaded at run time), `bin/schemas.ts` writes schemas/, and the tests check each output against both.

export const status = z
  .enum(['ok', 'warn', 'crit', 'unknown'])
  .describe('unknown means that it could not be told; it is neither good nor bad news.');

export const check = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z0-9]+(?:[.-][a-z0-9]+)*$/)
    .describe('Stable identifier.'),
  status,
  info: z.literal(true).optional().describe('Information: the status is ok and never changes the exit code.'),
  message: z.string(),
  evidence: z.string().optional().describe('What was seen.'),
  fix: z.string().optional().describe('What to do about it.'),
  ref: z.string().optional().describe('Where it is laid down.'),
});

/** What the base command puts around the result of a command. */
export const envelope = z.strictObject({
  schema: z.string(),
  id: z.string().optional().describe('Identifier of the case in a batch.'),
  tool: z.strictObject({ name: z.literal('postern'), version: z.string() }),
  time: z.iso.datetime().describe('When the document was made, UTC.'),
});

export const report = z.strictObject({
  target: z.string().nullable(),
  status,
  summary: z.string().describe('The result in one sentence.'),
  checks: z.array(check),
});

/** A value as it is handed on: nobody changes it any more. */
export type Frozen<T> = { readonly [K in keyof T]: Frozen<T[K]> };

/** One thing that was looked at. */
export type Check = Frozen<z.infer<typeof check>>;
