import { AppError, ExitCode } from '../../errors.ts';
import { keysFromCsv } from './csv.ts';
import type { Found } from './entry.ts';
import { keysFromPskc } from './pskc.ts';
import type { PskcKey } from './pskc-secret.ts';
import { keysFromRecords } from './record.ts';
import { keysFromSqlDump } from './sql-dump.ts';
import { keysFromSqlite } from './sqlite.ts';

const SQLITE = 'SQLite format 3\0';

/** Whether these are the first bytes of an SQLite database. */
export const isSqlite = (bytes: Uint8Array) =>
  Buffer.from(bytes.subarray(0, SQLITE.length)).toString('latin1') === SQLITE;

/**
 * Keys from a file of any of the formats, which is found out from its content.
 *
 * @param file  its name; a database is opened by it
 * @param pskcKey  for an encrypted key container
 * @throws AppError E_IMPORT (exit 65) when it is none of them
 */
export async function readKeys(
  bytes: Uint8Array,
  file: string,
  pskcKey: PskcKey | undefined,
): Promise<Found> {
  if (isSqlite(bytes)) return keysFromSqlite(file);
  const text = Buffer.from(bytes)
    .toString('utf8')
    .replace(/^\uFEFF/, '');
  if (text.trimStart().startsWith('<')) return keysFromPskc(text, file, pskcKey);
  const found = keysFromRecords(text) ?? keysFromSqlDump(text) ?? keysFromCsv(text);
  if (found) return found;
  throw new AppError(`'${file}' is in no format that is known.`, {
    code: 'E_IMPORT',
    exit: ExitCode.input,
    hint: 'Known are databases and dumps of yubikey-val, yubikey-ksm and yubiserver, CSV of ykman, the personalization GUI, yubikey-ksm and privacyIDEA, PSKC, and records of "yubikey program --record-to". One that is wrapped with GPG has to be unwrapped first.',
  });
}
