import { z } from 'zod';
import { browserDisable, browserPasswords, browserUndo, measurement } from './browser.ts';
import { messageCheck } from './message-check.ts';
import { messagePath } from './message-path.ts';
import { mxProbe } from './mx-probe.ts';
import { otpDecode } from './otp.ts';
import { type Frozen, report } from './report.ts';
import { send } from './send.ts';
import { yubikeyList } from './yubikey.ts';

const transport = z.strictObject({
  story: z.literal('transport'),
  probes: z.array(mxProbe),
  send,
  arrived: z.int().describe('How often the message arrived.'),
  received: z.string().describe('Its Received field, as the server wrote it.'),
  path: messagePath,
});

const trust = z.strictObject({
  story: z.literal('trust'),
  messages: z.array(
    z.strictObject({
      name: z.string(),
      about: z.string().describe('What the message is, truly.'),
      check: messageCheck,
    }),
  ),
  revocation: z
    .strictObject({
      list: z.int().describe('Version of the list that was synchronised.'),
      reason: z.string(),
      check: messageCheck.describe('The message of the listed company, once more.'),
    })
    .nullable(),
});

const verdict = z.enum(['accepted', 'replayed', 'disabled', 'wrong', 'unknown-key', 'no-otp']);

const yubikey = z.strictObject({
  story: z.literal('yubikey'),
  keys: yubikeyList.shape.keys.describe('On the desk, before anything was done.'),
  plan: z.array(z.string()),
  decoded: otpDecode,
  first: verdict.describe('Of the OTP.'),
  second: verdict.describe('Of the same OTP, once more.'),
  logins: z.array(
    z.strictObject({
      account: z.string(),
      tried: z.string().describe('What was put into the field.'),
      verdict: z.enum(['accepted', 'refused', 'unavailable']),
    }),
  ),
  server: z.array(
    z.strictObject({
      asked: z.enum(['ours', 'cloud']).describe('Our validation server, or a stand-in for YubiCloud.'),
      tried: z.string(),
      status: z.string().describe('Of the validation protocol.'),
    }),
  ),
  lost: z.array(z.string()).describe('Public ids that were disabled.'),
  afterLoss: verdict.describe('Of the next OTP of the lost key.'),
});

const throttle = z.strictObject({
  story: z.literal('throttle'),
  firstRefused: z.int().describe('Number of the request that got the error page.'),
  status: z.int().describe('Of the error page.'),
  retryAfterSeconds: z.number(),
  page: z.string(),
  otherClient: z.int().describe('Status for another client, meanwhile.'),
  otherSite: z.int().describe('Status on another site, meanwhile.'),
  refusedMeanwhile: z.int().describe('Requests during the block.'),
  blockedMs: z.int(),
  servedAfter: z.int().describe('Requests that were served afterwards, until the next refusal.'),
  simulation: z.strictObject({ requests: z.int(), preset: z.string(), sentence: z.string() }),
});

const browser = z.strictObject({
  story: z.literal('browser'),
  measurement,
  disabled: browserDisable,
  runningWhenOff: z.array(z.string()).describe('Ids of the extensions that still ran.'),
  undone: browserUndo,
  runningAfterUndo: z.array(z.string()),
  passwords: browserPasswords,
});

export const demo = z.strictObject({
  ...report.shape,
  stories: z.array(z.discriminatedUnion('story', [transport, trust, yubikey, throttle, browser])),
});

export type DemoResult = Frozen<z.infer<typeof demo>>;
export type TrustStory = Frozen<z.infer<typeof trust>>;
export type YubikeyStory = Frozen<z.infer<typeof yubikey>>;
export type TransportStory = Frozen<z.infer<typeof transport>>;
export type ThrottleStory = Frozen<z.infer<typeof throttle>>;
export type BrowserStory = Frozen<z.infer<typeof browser>>;
