import { setTimeout as sleep } from 'node:timers/promises';
import { type SplitOtp, splitOtp } from '../otp/token.ts';
import type { Outcome, Refusal, Validator, ValidatorConfig } from '../validators/types.ts';
import type { Limits, Who } from './limits.ts';
import { DUMMY_HASH, passwordFits } from './password.ts';
import { digestOf, judgeSession } from './session.ts';
import { chooseReading, type Taken, waysToRead } from './split.ts';
import { TooMany, type Turns } from './turns.ts';
import type { LoginKind, LoginSet, LoginStore } from './types.ts';

/** Somebody who wants in. */
export type Attempt = {
  readonly account: string;
  /** The password field: a session password, an OTP, or base password and OTP in one. */
  readonly password: string;
  /** A field of its own for the OTP; the password field is the base password then. */
  readonly otp: string | null;
  readonly service: string;
  /** Of the client; empty when it is not known. */
  readonly address: string;
};

/** Why somebody is not let in. For our log alone: to the outside all are the same. */
export type LoginRefusal =
  | Refusal
  | 'no-login'
  | 'no-otp'
  | 'other-key'
  | 'password'
  | 'expired'
  | 'service'
  | 'session-expired'
  | 'session-service'
  | 'session-network';

/** What came of it. */
export type LoginVerdict =
  | {
      readonly kind: 'accepted';
      readonly account: string;
      readonly by: LoginKind | 'session';
      /** Of the login set, or of the session password. */
      readonly id: string;
      readonly publicId: string | null;
    }
  | { readonly kind: 'refused'; readonly why: LoginRefusal; readonly publicId: string | null }
  /** Nobody could tell: a temporary failure, neither a pass nor a wrong password. */
  | { readonly kind: 'unavailable'; readonly why: string; readonly publicId: string | null };

export type LoginWorld = {
  readonly store: LoginStore;
  readonly open: (config: ValidatorConfig) => Promise<Validator>;
  /** Who is asked about a key that nobody logs in with. */
  readonly usual: ValidatorConfig;
  readonly limits: Limits;
  /** For Argon2. */
  readonly turns: Turns;
  readonly nowMs: () => number;
  /** Failures are told at multiples of this time after they began, so that what they cost is not seen. */
  readonly failureMs: number;
  readonly signal: AbortSignal;
};

/** Longest field that is looked at, in characters. */
const MAX_FIELD = 512;

/**
 * The account as it is kept: without blanks around it, in lower case, as mail servers hand it on.
 *
 * @returns null for what is no name
 */
export function accountOf(text: string): string | null {
  const account = text.trim().normalize('NFC').toLowerCase();
  return account === '' || account.length > 255 || /[\p{Cc}\s]/u.test(account) ? null : account;
}

type Spent = { readonly taken: Taken; readonly outcome: Outcome };

/** Who validates a key does not depend on the account: so nothing tells whether there is one. */
async function spend(world: LoginWorld, otp: SplitOtp): Promise<Outcome> {
  const [key] = await world.store.keys([otp.publicId]);
  const validator = await world.open(key?.validator ?? world.usual);
  const outcome = await validator.spend(otp, world.signal);
  if (outcome.kind !== 'accepted' || validator.local || !key) return outcome;
  // A service that accepts an OTP twice, or forgets, is not believed twice.
  if (!outcome.counters)
    return { kind: 'unavailable', why: 'the service does not tell the counters', steps: outcome.steps };
  const later = await world.store.remember(otp.publicId, outcome.counters, world.nowMs());
  return later ? outcome : { kind: 'refused', why: 'replayed', steps: outcome.steps };
}

/** Take the fields apart. */
async function read(
  world: LoginWorld,
  { password, otp }: Attempt,
  sets: readonly LoginSet[],
): Promise<Taken | null> {
  if (otp !== null) {
    const split = splitOtp(otp);
    return split ? { base: password, otp: split } : null;
  }
  const ways = waysToRead(password);
  if (ways.length === 0) return null;
  const own = new Set(sets.flatMap(({ publicIds }) => publicIds));
  const known = await world.store.keys(ways.map((way) => way.otp.publicId));
  return chooseReading(ways, own, new Set(known.map(({ publicId }) => publicId)));
}

const isLive = ({ expiresMs }: LoginSet, nowMs: number) => expiresMs === null || nowMs < expiresMs;
const isFor = ({ services }: LoginSet, service: string) =>
  services.length === 0 || services.includes(service);

/** The login sets of an account that an OTP's key belongs to and that count here and now, or why there are none. */
function fitting(
  sets: readonly LoginSet[],
  publicId: string,
  service: string,
  nowMs: number,
): readonly LoginSet[] | LoginRefusal {
  if (sets.length === 0) return 'no-login';
  const own = sets.filter(({ publicIds }) => publicIds.includes(publicId));
  if (own.length === 0) return 'other-key';
  const live = own.filter((set) => isLive(set, nowMs));
  if (live.length === 0) return 'expired';
  const good = live.filter((set) => isFor(set, service));
  return good.length === 0 ? 'service' : good;
}

/** The login set whose base password fits. A key alone fits no set that wants a password, and the other way round. */
async function firstFitting(
  world: LoginWorld,
  who: Who,
  sets: readonly LoginSet[],
  base: string,
): Promise<LoginSet | undefined> {
  if (base === '') return sets.find(({ kind }) => kind === 'otp');
  for (const set of sets) {
    const { password } = set;
    if (password !== null && (await world.turns.take(who.address, () => passwordFits(base, password))))
      return set;
  }
  return undefined;
}

/** The work that a wrong password would have cost. */
async function pretend(world: LoginWorld, who: Who, base: string): Promise<void> {
  if (world.limits.isOver(who, world.nowMs())) return;
  await world.turns.take(who.address, () => passwordFits(base, DUMMY_HASH));
}

async function bySession(world: LoginWorld, attempt: Attempt): Promise<LoginVerdict> {
  const { account, password, service, address } = attempt;
  const session = await world.store.sessionBy(digestOf(password));
  const nowMs = world.nowMs();
  if (attempt.otp === null && session?.account === account) {
    const judged = judgeSession(session, { service, address, nowMs });
    if (judged === 'good') {
      await world.store.useSession(session.id, nowMs);
      return { kind: 'accepted', account, by: 'session', id: session.id, publicId: null };
    }
    await pretend(world, attempt, password);
    return { kind: 'refused', why: `session-${judged}`, publicId: null };
  }
  await pretend(world, attempt, password);
  return { kind: 'refused', why: 'no-otp', publicId: null };
}

async function byKey(
  world: LoginWorld,
  attempt: Attempt,
  sets: readonly LoginSet[],
  { taken, outcome }: Spent,
): Promise<LoginVerdict> {
  const { publicId } = taken.otp;
  if (outcome.kind === 'unavailable') return { kind: 'unavailable', why: outcome.why, publicId };
  const found =
    outcome.kind === 'refused' ? outcome.why : fitting(sets, publicId, attempt.service, world.nowMs());
  if (typeof found === 'string') {
    await pretend(world, attempt, taken.base);
    return { kind: 'refused', why: found, publicId };
  }
  const set = await firstFitting(world, attempt, found, taken.base);
  if (set) return { kind: 'accepted', account: attempt.account, by: set.kind, id: set.id, publicId };
  if (taken.base === '' || found.every(({ password }) => password === null))
    await pretend(world, attempt, taken.base);
  return { kind: 'refused', why: 'password', publicId };
}

async function decide(world: LoginWorld, given: Attempt): Promise<LoginVerdict> {
  const account = accountOf(given.account) ?? '';
  const tooLong = given.password.length > MAX_FIELD || (given.otp?.length ?? 0) > MAX_FIELD;
  const attempt = { ...given, account, ...(tooLong && { password: '', otp: null }) };
  const sets = await world.store.find({ account });
  const taken = await read(world, attempt, sets);
  if (!taken) return bySession(world, attempt);
  // First the OTP, whatever else is wrong: one that was captured must not be good for another try.
  const outcome = await spend(world, taken.otp);
  return byKey(world, attempt, sets, { taken, outcome });
}

/**
 * Judge a login: spend the OTP, then look whose it is, then at the base password.
 *
 * Every refusal costs one Argon2 and is told at a multiple of `failureMs` after the beginning.
 */
export async function verifyLogin(world: LoginWorld, attempt: Attempt): Promise<LoginVerdict> {
  const begin = performance.now();
  const verdict = await decide(world, attempt).catch((error: unknown): LoginVerdict => {
    if (error instanceof TooMany) return { kind: 'unavailable', why: error.message, publicId: null };
    throw error;
  });
  if (verdict.kind !== 'refused') return verdict;
  const account = accountOf(attempt.account) ?? '';
  world.limits.failed({ account, address: attempt.address }, world.nowMs());
  const spentMs = performance.now() - begin;
  const untilMs = Math.ceil(spentMs / world.failureMs) * world.failureMs;
  // Timers are cut to milliseconds, and count from up to one before they were asked for.
  await sleep(Math.ceil(untilMs - spentMs) + 1, undefined, { signal: world.signal }).catch(() => undefined);
  return verdict;
}
