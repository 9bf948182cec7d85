import { z } from 'zod';
import { type Frozen, report } from './report.ts';

const time = z.iso.datetime();

const client = z.strictObject({
  id: z.int(),
  label: z.string(),
  state: z.enum(['active', 'disabled']),
  mustSign: z.boolean().describe('Unsigned requests are refused.'),
  publicIds: z.array(z.string()).describe('How the public ids begin that it may ask about; empty for all.'),
  networks: z.array(z.string()).describe('Where it may ask from; empty for anywhere.'),
  oldKeyUntil: time.nullable().describe('Until when the API key before the current one is taken as well.'),
  created: time,
  used: time.nullable(),
});

const key = z.strictObject({
  publicId: z.string(),
  state: z.enum(['written', 'active', 'disabled']).describe('written: programmed, but not seen to work yet.'),
  serial: z.int().nullable(),
  seen: time.nullable(),
});

export const validationClientList = z.strictObject({ ...report.shape, clients: z.array(client) });

/** Of everything that changes one client. */
export const validationClientAct = z.strictObject({
  ...report.shape,
  client,
  keyFile: z.string().nullable().describe('Where the API key was written to.'),
});

export const validationKeyList = z.strictObject({ ...report.shape, keys: z.array(key) });
export const validationKeyAct = z.strictObject({ ...report.shape, key });

export const validationStatus = z.strictObject({
  ...report.shape,
  keys: z.strictObject({ written: z.int(), active: z.int(), disabled: z.int() }),
  clients: z.strictObject({ active: z.int(), disabled: z.int() }),
  lastSeen: time.nullable().describe('When an OTP was last taken.'),
  audit: z.strictObject({
    entries: z.int(),
    brokenAt: z.int().nullable().describe('First entry that does not follow from those before it.'),
    head: z.string().nullable().describe('Hash of the last entry; kept elsewhere, it shows a cut end.'),
    latest: z.array(
      z.strictObject({
        number: z.int(),
        time,
        actor: z.string(),
        action: z.string(),
        subject: z.string(),
      }),
    ),
  }),
});

export const validationBackup = z.strictObject({ ...report.shape, file: z.string() });

export const validationServe = z.strictObject({
  ...report.shape,
  listening: z.array(
    z.strictObject({ for: z.enum(['verify', 'metrics', 'login', 'admin']), at: z.string() }),
  ),
  tls: z.boolean(),
  keys: z.int(),
  clients: z.int(),
});

export type ValidationClientListResult = Frozen<z.infer<typeof validationClientList>>;
export type ValidationClientActResult = Frozen<z.infer<typeof validationClientAct>>;
export type ValidationKeyListResult = Frozen<z.infer<typeof validationKeyList>>;
export type ValidationKeyActResult = Frozen<z.infer<typeof validationKeyAct>>;
export type ValidationStatusResult = Frozen<z.infer<typeof validationStatus>>;
export type ValidationBackupResult = Frozen<z.infer<typeof validationBackup>>;
export type ValidationServeResult = Frozen<z.infer<typeof validationServe>>;
export type ValidationClientView = ValidationClientListResult['clients'][number];
export type ValidationKeyView = ValidationKeyListResult['keys'][number];
