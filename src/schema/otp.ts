import { z } from 'zod';
import { type Frozen, report } from './report.ts';

const layout = z.enum(['as typed', 'caps lock', 'US Dvorak', 'Turkish']);

/** What an OTP holds, but for the private id. */
export const otpFields = z.strictObject({
  useCounter: z.int().describe('Starts of the key, 1 to 32767.'),
  sessionUse: z.int().describe('OTPs since the key was started, from 0.'),
  timestamp: z.int().describe('24 bits at about 8 Hz; comparable within one use counter only.'),
  random: z.int(),
  capsLock: z.boolean(),
  crc: z.int(),
  crcOk: z.boolean(),
});

export const otpDecode = z.strictObject({
  ...report.shape,
  otp: z.string().describe('In modhex.'),
  publicId: z.string(),
  layout: layout.describe('What the keyboard did to it.'),
  fields: otpFields.nullable().describe('null without the key to decrypt it.'),
  privateId: z.enum(['match', 'mismatch', 'unknown']),
});

export const otpVerify = z.strictObject({
  ...report.shape,
  publicId: z.string(),
  validator: z.string().describe('Who was asked: local, yubicloud, or the addresses of a service.'),
  verdict: z
    .enum(['accepted', 'replayed', 'delayed', 'bad', 'disabled', 'wrong', 'unknown-key', 'unavailable'])
    .describe('bad: a service says no more; unavailable: nobody could tell, and it is no pass.'),
  counters: z
    .strictObject({ useCounter: z.int(), sessionUse: z.int() })
    .nullable()
    .describe('Of an accepted OTP, where they are told.'),
  fields: otpFields.nullable().describe('null when it does not decrypt.'),
  steps: z.array(z.string()).describe('How the verdict came about.'),
});

export const otpGenerate = z.strictObject({
  ...report.shape,
  typed: z.string().describe('What a touch types, without the Enter.'),
  slot: z.literal([1, 2]),
  serial: z.int(),
});

export const otpModhex = z.strictObject({
  ...report.shape,
  modhex: z.string(),
  hex: z.string(),
  layout,
});

export type OtpDecodeResult = Frozen<z.infer<typeof otpDecode>>;
export type OtpVerifyResult = Frozen<z.infer<typeof otpVerify>>;
export type OtpGenerateResult = Frozen<z.infer<typeof otpGenerate>>;
export type OtpModhexResult = Frozen<z.infer<typeof otpModhex>>;
