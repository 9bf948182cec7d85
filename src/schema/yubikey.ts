import { z } from 'zod';
import { type Frozen, report } from './report.ts';

const slotState = z.enum(['programmed', 'empty', 'unknown']).describe('What is in it, a key does not tell.');
const slotNumber = z.literal([1, 2]);
const slotKind = z.enum([
  'yubico-otp',
  'oath-hotp',
  'hmac-sha1',
  'yubico-challenge',
  'static',
  'static-ticket',
]);

const key = z.strictObject({
  serial: z.int().nullable(),
  model: z.string(),
  version: z.string().describe('Firmware.'),
  formFactor: z.string().nullable(),
  interfaces: z.array(z.enum(['OTP', 'FIDO', 'CCID'])),
  slots: z.strictObject({ 1: slotState, 2: slotState }),
  node: z.string().describe('Device node; without one, where the system has it.'),
});

const slotRecord = z.strictObject({
  id: z.string(),
  serial: z.int().describe('A negative number of ours for a key that shows none.'),
  slot: slotNumber,
  kind: slotKind,
  state: z
    .enum(['pending', 'written', 'current', 'past', 'refused'])
    .describe(
      'To be written; written but not seen to work; in the key; replaced or deleted; refused by the key.',
    ),
  publicId: z.string().nullable().describe('In modhex.'),
  firmware: z.string(),
  created: z.iso.datetime(),
  changed: z.iso.datetime(),
});

const capability = z.enum(['OTP', 'U2F', 'OpenPGP', 'PIV', 'OATH', 'HSMAUTH', 'FIDO2']);

export const yubikeyList = z.strictObject({ ...report.shape, keys: z.array(key) });

export const yubikeyInfo = z.strictObject({
  ...report.shape,
  ...key.shape,
  sequence: z.int().describe('Advances with every change, starts again at power-up.'),
  touch: z.strictObject({ 1: z.boolean().nullable(), 2: z.boolean().nullable() }),
  fips: z.boolean().nullable(),
  locked: z.boolean().nullable().describe('The configuration of interfaces has a lock code.'),
  usb: z.array(capability),
  nfc: z.array(capability),
  records: z.array(slotRecord).describe('What we have written into it; a key does not tell.'),
});

/** What every command that changes a key says. */
const change = z.strictObject({
  ...report.shape,
  serial: z.int().nullable(),
  slot: slotNumber.nullable(),
  dryRun: z.boolean(),
  plan: z.array(z.string()).describe('What is done, in order.'),
  record: slotRecord.nullable(),
  batch: z
    .array(
      z.strictObject({
        label: z.string(),
        serial: z.int(),
        slot: z.int(),
        publicId: z.string().nullable(),
        time: z.string(),
      }),
    )
    .optional()
    .describe('Keys of a box that are done, those of earlier calls included.'),
});

export const yubikeyProgram = change;
export const yubikeyUpdate = change;
export const yubikeyAccessCode = change;
export const yubikeyNdef = change;
export const yubikeySwap = change;
export const yubikeyDelete = change;

export const yubikeyCalculate = z.strictObject({
  ...report.shape,
  serial: z.int().nullable(),
  slot: slotNumber,
  response: z.string().describe('Hexadecimal.'),
});

const servedKey = z.strictObject({
  publicId: z.string(),
  state: z.enum(['written', 'active', 'disabled']),
  serial: z.int().nullable(),
  useCounter: z.int().describe('-1 before the first OTP.'),
  sessionUse: z.int(),
  seen: z.iso.datetime().nullable().describe('When the last OTP was taken.'),
});

export const yubikeyInventory = z.strictObject({
  ...report.shape,
  slots: z.array(slotRecord),
  keys: z.array(servedKey),
});

export const yubikeyLost = z.strictObject({
  ...report.shape,
  serial: z.int(),
  disabled: z.array(z.string()).describe('Public ids whose OTPs are refused from now on.'),
  logins: z
    .array(z.strictObject({ id: z.string(), account: z.string() }))
    .describe('Login sets that the key belongs to.'),
  sessionsEnded: z.int().describe('Session passwords of their accounts.'),
});

export type YubikeyListResult = Frozen<z.infer<typeof yubikeyList>>;
export type YubikeyInfoResult = Frozen<z.infer<typeof yubikeyInfo>>;
export type YubikeyChangeResult = Frozen<z.infer<typeof change>>;
export type YubikeyCalculateResult = Frozen<z.infer<typeof yubikeyCalculate>>;
export type YubikeyInventoryResult = Frozen<z.infer<typeof yubikeyInventory>>;
export type YubikeyLostResult = Frozen<z.infer<typeof yubikeyLost>>;
export type SlotRecordView = Frozen<z.infer<typeof slotRecord>>;
