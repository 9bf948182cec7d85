import { counted } from '../counted.ts';
import { AppError, ExitCode } from '../errors.ts';
import { splitOtp } from '../otp/token.ts';
import type { Check, Report } from '../report.ts';
import type {
  LoginChangeResult,
  LoginListResult,
  LoginRemoveResult,
  LoginSessionEndResult,
  LoginSessionListResult,
  LoginSessionNewResult,
  LoginVerifyResult,
  LoginView,
  SessionView,
} from '../schema/login.ts';
import { nameOf } from '../validators/open.ts';
import type { Validator, ValidatorConfig } from '../validators/types.ts';
import { hashPassword } from './password.ts';
import { digestOf, endOf, newSessionPassword } from './session.ts';
import type { LoginKey, LoginSet, LoginStore, NewLogin, NewSession, SessionPassword } from './types.ts';
import { accountOf, type LoginRefusal, type LoginVerdict } from './verify.ts';

/** Most login sets of an account: each may cost an Argon2. */
const MOST_SETS = 16;

const timeOf = (ms: number) => new Date(ms).toISOString();
const timeOrNull = (ms: number | null) => (ms === null ? null : timeOf(ms));

function concluded(target: string | null, check: Check): Report {
  return { target, status: check.status, summary: check.message, checks: [check] };
}

function viewOf(
  { expiresMs, createdMs, password: _, ...set }: LoginSet,
  keys: readonly LoginKey[],
): LoginView {
  const own = keys.filter(({ publicId }) => set.publicIds.includes(publicId));
  return {
    ...set,
    validators: [...new Set(own.map(({ validator }) => nameOf(validator)))],
    expires: timeOrNull(expiresMs),
    created: timeOf(createdMs),
  };
}

async function viewsOf(store: LoginStore, sets: readonly LoginSet[]): Promise<LoginView[]> {
  const keys = await store.keys([...new Set(sets.flatMap(({ publicIds }) => publicIds))]);
  return sets.map((set) => viewOf(set, keys));
}

export function sessionView(session: SessionPassword): SessionView {
  const { id, account, service, network, lengthMs, createdMs, firstMs, lastMs } = session;
  return {
    id,
    account,
    service,
    network,
    seconds: Math.round(lengthMs / 1000),
    created: timeOf(createdMs),
    firstUse: timeOrNull(firstMs),
    lastUse: timeOrNull(lastMs),
    ends: timeOf(endOf(session)),
  };
}

/**
 * The account that is meant.
 *
 * @throws AppError E_ACCOUNT (exit 65)
 */
export function requireAccount(text: string): string {
  const account = accountOf(text);
  if (account !== null) return account;
  throw new AppError('That is no name of an account.', {
    code: 'E_ACCOUNT',
    exit: ExitCode.input,
    hint: 'It has up to 255 characters and no blanks, such as ann@example.org.',
  });
}

const unknownLogin = (id: string): Check => ({
  id: 'login.known',
  status: 'crit',
  message: `There is no login set '${id}'.`,
  fix: 'See "postern login list".',
});

async function loginBy(store: LoginStore | undefined, id: string): Promise<LoginSet | undefined> {
  const [set] = (await store?.find({ id })) ?? [];
  return set;
}

/** What a login set is to be, before a key is touched for it. */
export type Wanted = Omit<NewLogin, 'password'> & {
  /** null for `otp`. */
  readonly password: string | null;
  readonly validator: ValidatorConfig;
  /** Login set to give the key to, instead of making a new one. */
  readonly to: string | null;
};

/** A key has one validator: what spends its OTPs in two places spends them twice. */
async function requireSameValidator(store: LoginStore, publicId: string, config: ValidatorConfig) {
  const [known] = await store.keys([publicId]);
  const used = known ? await store.find({ publicIds: [publicId] }) : [];
  if (!known || used.length === 0 || JSON.stringify(known.validator) === JSON.stringify(config)) return;
  throw new AppError(`The key ${publicId} is validated by ${nameOf(known.validator)} already.`, {
    code: 'E_VALIDATOR',
    exit: ExitCode.usage,
    hint: 'All logins of a key have the same validator, with the same client and key file.',
  });
}

/** A touch that associates nothing. */
export function refusedTouch(
  account: string,
  message: string,
  status: 'crit' | 'unknown',
): LoginChangeResult {
  return {
    ...concluded(account, {
      id: 'login.touch',
      status,
      message,
      fix: 'Touch the key anew; "postern otp verify --explain" tells more about an OTP.',
    }),
    login: null,
  };
}

/**
 * Associate a key with an account by one touch, whose OTP is spent.
 *
 * @throws AppError E_VALIDATOR (exit 64) for a key that another validator has, E_TOO_MANY (exit 65)
 */
export async function addLogin(
  store: LoginStore,
  validator: Validator,
  wanted: Wanted,
  typed: string,
  world: { readonly nowMs: number; readonly signal: AbortSignal },
): Promise<LoginChangeResult> {
  const { account, to, validator: config, ...set } = wanted;
  const target = to === null ? undefined : await loginBy(store, to);
  if (to !== null && target?.account !== account)
    return { ...concluded(account, unknownLogin(to)), login: null };
  if (!target && (await store.find({ account })).length >= MOST_SETS)
    throw new AppError(`'${account}' has ${MOST_SETS} login sets already.`, {
      code: 'E_TOO_MANY',
      exit: ExitCode.input,
      hint: 'Remove one with "postern login remove", or give the key to one with --to.',
    });
  const otp = splitOtp(typed);
  if (!otp) return refusedTouch(account, 'What was typed is no OTP.', 'crit');
  const { publicId } = otp;
  await requireSameValidator(store, publicId, config);
  const outcome = await validator.spend(otp, world.signal);
  if (outcome.kind === 'unavailable')
    return refusedTouch(account, `The validation service could not tell: ${outcome.why}.`, 'unknown');
  if (outcome.kind === 'refused')
    return refusedTouch(account, `The OTP is not taken by ${validator.name}: ${outcome.why}.`, 'crit');
  const key = {
    publicId,
    validator: config,
    counters: outcome.counters ?? { useCounter: -1, sessionUse: -1 },
  };
  const password = set.password === null ? null : await hashPassword(set.password);
  const id = target?.id ?? (await store.add({ ...set, account, password }, key, world.nowMs));
  if (target) await store.addKey(id, key);
  const [login] = await viewsOf(store, await store.find({ id }));
  const message = `${account} logs in with the key ${publicId}${set.kind === 'otp' ? '' : ' and a base password'}.`;
  return { ...concluded(account, { id: 'login.touch', status: 'ok', message }), login: login ?? null };
}

/** Login sets, of one account or of all. */
export async function listLogins(
  store: LoginStore | undefined,
  account: string | undefined,
): Promise<LoginListResult> {
  const sets = (await store?.find({ account })) ?? [];
  const logins = store ? await viewsOf(store, sets) : [];
  const nobody = sets.length === 0 ? ' "postern login add ACCOUNT" lets somebody log in.' : '';
  const summary = `There ${sets.length === 1 ? 'is' : 'are'} ${counted(sets.length, 'login set')}.${nobody}`;
  return { target: account ?? null, status: 'ok', summary, checks: [], logins };
}

/** Remove a login set; with the last one of an account its session passwords end. */
export async function removeLogin(store: LoginStore | undefined, id: string): Promise<LoginRemoveResult> {
  const set = await loginBy(store, id);
  if (!store || !set) return { ...concluded(id, unknownLogin(id)), login: null, sessionsEnded: 0 };
  const { account } = set;
  const [login] = await viewsOf(store, [set]);
  await store.remove(id);
  const left = await store.find({ account });
  const sessionsEnded = left.length === 0 ? await store.endSessions({ accounts: [account] }) : 0;
  const rest =
    left.length === 0 ? 'no way in is left' : `${counted(left.length, 'other is', 'others are')} left`;
  const message = `The login set ${id} of ${account} is removed; ${rest}.`;
  return {
    ...concluded(account, { id: 'login.removed', status: 'ok', message }),
    login: login ?? null,
    sessionsEnded,
  };
}

/**
 * Give a login set another base password.
 *
 * @throws AppError E_KIND (exit 65) for one without
 */
export async function changePassword(
  store: LoginStore | undefined,
  id: string,
  password: string,
  nowMs: number,
): Promise<LoginChangeResult> {
  const set = await loginBy(store, id);
  if (!store || !set) return { ...concluded(id, unknownLogin(id)), login: null };
  if (set.kind === 'otp')
    throw new AppError(`The login set ${id} has no base password.`, {
      code: 'E_KIND',
      exit: ExitCode.input,
      hint: 'Make one that has: "postern login add --kind password+otp".',
    });
  await store.setPassword(id, await hashPassword(password), nowMs);
  const [login] = await viewsOf(store, [set]);
  const message = `The base password of ${id}, ${set.account}, is changed.`;
  return {
    ...concluded(set.account, { id: 'login.password', status: 'ok', message }),
    login: login ?? null,
  };
}

const TOUCH = 'Touch the key again.';
const LIST = 'See "postern login list".';
const SESSIONS = 'See "postern login session list".';

/** Each refusal in words, and what to do. */
const REFUSALS: Readonly<Record<LoginRefusal, { readonly why: string; readonly fix: string }>> = {
  'no-login': { why: 'there is no login set of that name', fix: LIST },
  'no-otp': {
    why: 'what was given has no OTP in it, and is no session password of this account',
    fix: `Touch the key behind the password. ${LIST}`,
  },
  'other-key': { why: 'the key belongs to no login set of this account', fix: LIST },
  password: {
    why: 'the base password is wrong, or missing, or one was given where none is wanted; the OTP is spent',
    fix: `${TOUCH} "postern login passwd" sets a new base password.`,
  },
  expired: { why: 'the login set has expired', fix: 'Make a new one: postern login add.' },
  service: { why: 'the login set is not for this service', fix: `Name the right one with --on. ${LIST}` },
  'session-expired': {
    why: 'the session password has expired',
    fix: 'Make a new one: postern login session new.',
  },
  'session-service': {
    why: 'the session password is for another service',
    fix: `Name the right one with --on. ${SESSIONS}`,
  },
  'session-network': { why: 'the session password is for another network', fix: SESSIONS },
  replayed: { why: 'the OTP has been used before', fix: TOUCH },
  delayed: { why: 'the OTP was kept before it was used', fix: `${TOUCH} Use the OTP at once.` },
  bad: {
    why: 'the validation service does not know that OTP',
    fix: 'See more with "postern otp verify --explain".',
  },
  disabled: { why: 'the key was disabled, as a lost one is', fix: 'See "postern validation key list".' },
  wrong: {
    why: 'the OTP does not decrypt to what the key would type',
    fix: 'See more with "postern otp verify --explain".',
  },
  'unknown-key': {
    why: 'the validator does not know the key',
    fix: 'See more with "postern otp verify --explain".',
  },
};

/** A verdict for whoever administrates; it tells what whoever logs in must not be told. */
export function verdictResult(account: string, verdict: LoginVerdict): LoginVerifyResult {
  const { publicId } = verdict;
  const base = { id: 'login.verdict' };
  switch (verdict.kind) {
    case 'accepted': {
      const message = `${account} is let in by ${verdict.by === 'session' ? 'a session password' : verdict.by}.`;
      const check: Check = { ...base, status: 'ok', message };
      return {
        ...concluded(account, check),
        verdict: 'accepted',
        by: verdict.by,
        reason: null,
        publicId,
      };
    }
    case 'refused': {
      const check: Check = {
        ...base,
        status: 'crit',
        message: `${account} is not let in: ${REFUSALS[verdict.why].why}.`,
        evidence: verdict.why,
        fix: REFUSALS[verdict.why].fix,
      };
      return { ...concluded(account, check), verdict: 'refused', by: null, reason: verdict.why, publicId };
    }
    case 'unavailable': {
      const check: Check = {
        ...base,
        status: 'unknown',
        message: `Nobody could tell: ${verdict.why}.`,
        fix: 'Look whether the validation service can be reached.',
      };
      return {
        ...concluded(account, check),
        verdict: 'unavailable',
        by: null,
        reason: verdict.why,
        publicId,
      };
    }
  }
}

/** Make a session password for an account that logs in here. */
export async function newSession(
  store: LoginStore | undefined,
  wanted: Omit<NewSession, 'digest'>,
  nowMs: number,
): Promise<LoginSessionNewResult> {
  const { account } = wanted;
  const live = ((await store?.find({ account })) ?? []).filter(
    ({ expiresMs }) => expiresMs === null || nowMs < expiresMs,
  );
  if (!store || live.length === 0) {
    const check: Check = {
      id: 'login.known',
      status: 'crit',
      message: `'${account}' has no login set.`,
      fix: 'Make one with "postern login add".',
    };
    return { ...concluded(account, check), session: null, password: null };
  }
  const password = newSessionPassword();
  const id = await store.addSession({ ...wanted, digest: digestOf(password) }, nowMs);
  const session = sessionView({ ...wanted, id, createdMs: nowMs, firstMs: null, lastMs: null });
  const message = `A session password of ${account} for ${wanted.service} is made; it counts from its first use.`;
  return { ...concluded(account, { id: 'login.session', status: 'ok', message }), session, password };
}

/** Session passwords that still count. */
export async function listSessions(
  store: LoginStore | undefined,
  account: string | undefined,
  nowMs: number,
): Promise<LoginSessionListResult> {
  const live = ((await store?.sessions(account)) ?? []).filter((session) => nowMs < endOf(session));
  const summary =
    live.length === 0
      ? 'There is no session password. "postern login session new ACCOUNT" makes one.'
      : `${counted(live.length, 'session password counts', 'session passwords count')}.`;
  return { target: account ?? null, status: 'ok', summary, checks: [], sessions: live.map(sessionView) };
}

/** End one session password, or all of an account. */
export async function endSessions(
  store: LoginStore | undefined,
  which: { readonly id?: string; readonly accounts?: readonly string[] },
): Promise<LoginSessionEndResult> {
  const target = which.id ?? which.accounts?.join(' ') ?? null;
  const ended = (await store?.endSessions(which)) ?? 0;
  const check: Check =
    ended === 0 && which.id !== undefined
      ? {
          id: 'login.known',
          status: 'crit',
          message: `There is no session password '${which.id}'.`,
          fix: 'See "postern login session list".',
        }
      : {
          id: 'login.session',
          status: 'ok',
          message: `${counted(ended, 'session password')} ended.`,
        };
  return { ...concluded(target, check), ended };
}
