import { z } from 'zod';
import { type Frozen, report } from './report.ts';

const kind = z.enum(['otp', 'password+otp']).describe('A touch alone, or a base password and a touch.');

const login = z.strictObject({
  id: z.string(),
  account: z.string(),
  kind,
  label: z.string(),
  publicIds: z.array(z.string()).describe('Of its keys, in modhex.'),
  validators: z.array(z.string()).describe('Who validates each key: local, yubicloud, or addresses.'),
  services: z.array(z.string()).describe('Empty for all.'),
  expires: z.iso.datetime().nullable(),
  created: z.iso.datetime(),
});

const session = z.strictObject({
  id: z.string(),
  account: z.string(),
  service: z.string(),
  network: z.string().nullable(),
  seconds: z.int().describe('How long it counts from its first use.'),
  created: z.iso.datetime(),
  firstUse: z.iso.datetime().nullable(),
  lastUse: z.iso.datetime().nullable(),
  ends: z.iso.datetime().describe('Before the first use, when it is given up.'),
});

/** What every command that changes a login set says. */
const change = z.strictObject({ ...report.shape, login: login.nullable().describe('null if it failed.') });

export const loginAdd = change;
export const loginRemove = z.strictObject({
  ...change.shape,
  sessionsEnded: z.int().describe('Session passwords of the account, which end with its last login set.'),
});
export const loginPasswd = change;

export const loginList = z.strictObject({ ...report.shape, logins: z.array(login) });

export const loginVerify = z.strictObject({
  ...report.shape,
  verdict: z.enum(['accepted', 'refused', 'unavailable']),
  by: z.enum(['otp', 'password+otp', 'session']).nullable(),
  reason: z.string().nullable().describe('Why not; whoever logs in is never told.'),
  publicId: z.string().nullable(),
});

export const loginSessionNew = z.strictObject({
  ...report.shape,
  session: session.nullable().describe('null for an account without login sets.'),
  password: z.string().nullable().describe('Shown this once.'),
});

export const loginSessionList = z.strictObject({ ...report.shape, sessions: z.array(session) });

export const loginSessionEnd = z.strictObject({ ...report.shape, ended: z.int() });

export const loginServe = z.strictObject({
  ...report.shape,
  at: z.string().describe('Where it listens.'),
  logins: z.int().describe('Login sets on record at the start.'),
});

export type LoginView = Frozen<z.infer<typeof login>>;
export type SessionView = Frozen<z.infer<typeof session>>;
export type LoginChangeResult = Frozen<z.infer<typeof change>>;
export type LoginRemoveResult = Frozen<z.infer<typeof loginRemove>>;
export type LoginListResult = Frozen<z.infer<typeof loginList>>;
export type LoginVerifyResult = Frozen<z.infer<typeof loginVerify>>;
export type LoginSessionNewResult = Frozen<z.infer<typeof loginSessionNew>>;
export type LoginSessionListResult = Frozen<z.infer<typeof loginSessionList>>;
export type LoginSessionEndResult = Frozen<z.infer<typeof loginSessionEnd>>;
export type LoginServeResult = Frozen<z.infer<typeof loginServe>>;
