import type { Interfaces } from '@oclif/core';
import { AppError, ExitCode } from '../errors.ts';
import type { ServedKeys } from '../keys/served.ts';
import type { LoginStore } from '../logins/types.ts';
import { readInput } from './input.ts';
import { type storeFlags, withStores, withStoresIfAny } from './key-store.ts';
import { ask } from './prompt.ts';
import { readSecretFile } from './secrets.ts';
import type { Line } from './text.ts';
import { type Recorder, recorderOf } from './validation.ts';

type StoreFlags = Interfaces.InferredFlags<typeof storeFlags>;

/** What a login command works with. */
export type KeysAndLogins = {
  readonly keys: ServedKeys | undefined;
  readonly logins: LoginStore | undefined;
  /** Writes into the audit log. */
  readonly record: Recorder;
};

/** Work with the logins if there are any. */
export function withLoginsIfAny<T>(
  flags: StoreFlags,
  work: (stores: KeysAndLogins) => Promise<T>,
  note?: (text: Line) => void,
): Promise<T> {
  return withStoresIfAny(
    flags,
    async (stores) =>
      work({ keys: stores?.keys, logins: await stores?.logins(), record: recorderOf(stores) }),
    note,
  );
}

/** Work with the logins; the first time their store is made. */
export function withLogins<T>(
  flags: StoreFlags,
  note: (text: Line) => void,
  work: (keys: ServedKeys, logins: LoginStore, record: Recorder) => Promise<T>,
): Promise<T> {
  return withStores(flags, note, async (stores) =>
    work(stores.keys, await stores.logins(), recorderOf(stores)),
  );
}

/** More than any field. */
const MAX_BYTES = 2048;

/** Where a secret comes from. */
export type SecretSource = {
  /** Private file; "-" is standard input. */
  readonly file: string | undefined;
  readonly flag: string;
  readonly message: string;
  readonly mayAsk: boolean;
};

/** One secret: from a private file, from the first line of standard input, or asked for without echo. */
export async function readSecret({ file, flag, message, mayAsk }: SecretSource): Promise<string> {
  if (file === undefined) return ask({ message, flag, secret: true }, mayAsk);
  if (file !== '-') return readSecretFile(file);
  const [first = ''] = (await readInput('-', MAX_BYTES)).toString('utf8').split(/\r?\n/);
  return first;
}

/** Fewest characters of a base password. */
const SHORTEST = 8;
const LONGEST = 256;

/**
 * A new base password; on a terminal it is typed twice.
 *
 * @throws AppError E_PASSWORD (exit 65)
 */
export async function readNewPassword(source: SecretSource): Promise<string> {
  const password = await readSecret(source);
  if (password.length < SHORTEST || password.length > LONGEST)
    throw unfit(`A base password has ${SHORTEST} to ${LONGEST} characters.`);
  if (source.file !== undefined) return password;
  const again = await readSecret({ ...source, message: 'Once more:' });
  if (again === password) return password;
  throw unfit('The two were not the same.');
}

function unfit(message: string): AppError {
  return new AppError(message, { code: 'E_PASSWORD', exit: ExitCode.input, hint: 'Nothing was changed.' });
}
