import { AppError, ExitCode } from '../../errors.ts';
import type { Firefox } from '../firefox.ts';
import type { Decision, Login } from './plan.ts';

/** Logins that are handed over at once. */
const PORTION = 250;

/** What Firefox has already of a login. */
type Known = 'new' | 'same' | 'other';

const HAS_PRIMARY = `
  const { LoginHelper } = ChromeUtils.importESModule("resource://gre/modules/LoginHelper.sys.mjs");
  return LoginHelper.isPrimaryPasswordSet();`;

/** Says of each login whether it is there: the passwords stay where they are. */
const COMPARE = `
  const known = new Map();
  for (const login of await Services.logins.getAllLogins())
    if (login.httpRealm === null) {
      const key = JSON.stringify([login.origin, login.username]);
      known.set(key, (known.get(key) ?? []).concat(login.password));
    }
  return args[0].map(({ origin, username, password }) => {
    const passwords = known.get(JSON.stringify([origin, username]));
    return passwords === undefined ? "new" : passwords.includes(password) ? "same" : "other";
  });`;

/** The part of Firefox's importer that comes after the reading of a file: so no file is needed. */
const IMPORT = `
  const { LoginHelper } = ChromeUtils.importESModule("resource://gre/modules/LoginHelper.sys.mjs");
  const logins = args[0].map((login) => ({ ...login, formActionOrigin: "" }));
  return (await LoginHelper.maybeImportLogins(logins)).filter(({ result }) => result === "added").length;`;

async function inPortions<T>(
  logins: readonly Login[],
  work: (portion: readonly Login[]) => Promise<T>,
): Promise<readonly T[]> {
  const results: T[] = [];
  for (let at = 0; at < logins.length; at += PORTION)
    results.push(await work(logins.slice(at, at + PORTION)));
  return results;
}

const ofLogins = (decisions: readonly Decision[]) => decisions.filter(({ outcome }) => outcome === 'import');

function loginOf({ entry, origin }: Decision): Login {
  return { origin: origin ?? '', username: entry.username, password: entry.password };
}

/**
 * Decisions with what the profile has already: the same login is merged, one with another password is set aside, as
 * Firefox's own importer would leave it.
 *
 * @throws {AppError} E_PRIMARY_PASSWORD, exit 77, for a profile that only its user can open
 */
export async function compareWith(
  firefox: Firefox,
  decisions: readonly Decision[],
): Promise<readonly Decision[]> {
  if ((await firefox.chrome(HAS_PRIMARY)) === true) throw locked();
  const wanted = ofLogins(decisions);
  const answers = await inPortions(wanted.map(loginOf), (portion) => firefox.chrome(COMPARE, portion));
  const known = new Map(
    wanted.map((decision, index) => [decision, (answers.flat() as readonly Known[])[index]]),
  );
  return decisions.map((decision): Decision => {
    const state = known.get(decision);
    if (state === 'same') return { ...decision, outcome: 'merge' };
    return state === 'other' ? { ...decision, outcome: 'set-aside', reason: 'in-firefox' } : decision;
  });
}

/**
 * Hand logins over to Firefox's own importer, over loopback and without a file, and look whether each arrived.
 *
 * @throws {AppError} E_NOT_KEPT, exit 73, when one did not
 */
export async function importInto(firefox: Firefox, decisions: readonly Decision[]): Promise<void> {
  const logins = ofLogins(decisions).map(loginOf);
  await inPortions(logins, (portion) => firefox.chrome(IMPORT, portion));
  const states = (await inPortions(logins, (portion) => firefox.chrome(COMPARE, portion))).flat();
  const missing = states.filter((state) => state !== 'same').length;
  if (missing === 0) return;
  throw new AppError(`Firefox did not take ${missing} of ${logins.length} logins.`, {
    code: 'E_NOT_KEPT',
    exit: ExitCode.cannotWrite,
    hint: 'Those that it took stay. Run this again: what is there already is merged.',
  });
}

function locked(): AppError {
  return new AppError('The logins of this profile are protected by a primary password.', {
    code: 'E_PRIMARY_PASSWORD',
    exit: ExitCode.noPermission,
    hint: 'Write an import file with --out, and import it in about:logins yourself.',
  });
}
