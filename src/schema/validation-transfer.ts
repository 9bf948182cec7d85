import { z } from 'zod';
import { type Frozen, report } from './report.ts';

const count = z.int().min(0);

export const validationImport = z.strictObject({
  ...report.shape,
  dryRun: z.boolean(),
  files: z.array(
    z.strictObject({
      file: z.string(),
      format: z.string(),
      keys: count,
      leftOut: count.describe('Rows that hold no key that can be taken over.'),
    }),
  ),
  counts: z.strictObject({
    added: count,
    updated: count.describe('Counters went up, or the state changed.'),
    unchanged: count,
    conflict: count.describe('Another secret is on record; nothing was changed.'),
    'no-secret': count,
    proven: count.describe('An OTP of it was given, and decrypts.'),
  }),
  keys: z.array(
    z.strictObject({
      publicId: z.string(),
      outcome: z.enum(['added', 'updated', 'unchanged', 'conflict', 'no-secret']),
      state: z.enum(['written', 'active', 'disabled']).nullable(),
      proven: z.boolean().nullable().describe('null when no OTP of it was given.'),
    }),
  ),
  leftOut: z.array(z.strictObject({ file: z.string(), where: z.string(), why: z.string() })),
});

export const validationExport = z.strictObject({
  ...report.shape,
  file: z.string(),
  format: z.enum(['ykksm', 'yubikey-val', 'pskc']),
  encrypted: z.boolean(),
  keys: count,
});

const moved = z.strictObject({
  added: count,
  updated: count.describe('Counters went up, or it was disabled.'),
  unchanged: count,
  conflicts: z.array(z.string()).describe('Other secrets are there; nothing was changed.'),
});

export const validationMove = z.strictObject({
  ...report.shape,
  dryRun: z.boolean(),
  keys: moved,
  clients: moved,
  logins: moved,
  sessions: moved,
  auditEntries: count.describe('That were taken over; none where the database has a log of its own.'),
});

export type ValidationMoveResult = Frozen<z.infer<typeof validationMove>>;
export type ValidationImportResult = Frozen<z.infer<typeof validationImport>>;
export type ValidationExportResult = Frozen<z.infer<typeof validationExport>>;
