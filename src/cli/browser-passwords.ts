import { existsSync } from 'node:fs';
import { dirname, extname, join, resolve } from 'node:path';
import type { Interfaces } from '@oclif/core';
import * as Flags from '@oclif/core/flags';
import { type AgeTo, encryptAge } from '../age/age.ts';
import { type Decision, leftOver } from '../browser/passwords/plan.ts';
import { AppError, ExitCode } from '../errors.ts';
import { withEnvironment } from './flags.ts';
import { ask } from './prompt.ts';
import { readSecretFile, writeSecret } from './secrets.ts';

/** Flags that say for whom something is encrypted. */
export const ageFlags = withEnvironment({
  recipient: Flags.string({
    summary: 'Encrypt for the holder of this age key; may be given again.',
    helpValue: 'age1…',
    multiple: true,
    exclusive: ['passphrase-file'],
  }),
  'passphrase-file': Flags.string({
    summary: 'Encrypt with the passphrase in this file, which only you can read.',
    helpValue: 'FILE',
  }),
});

type AgeFlags = Interfaces.InferredFlags<typeof ageFlags>;

/** For whom to encrypt: as the flags say, or with a passphrase that is asked for. */
export async function readAgeTo(flags: AgeFlags, mayAsk: boolean): Promise<AgeTo> {
  if (flags.recipient) return { recipients: flags.recipient };
  if (flags['passphrase-file'] !== undefined) return { passphrase: readSecretFile(flags['passphrase-file']) };
  const question = { message: 'Passphrase to encrypt with', flag: 'passphrase-file', secret: true } as const;
  return {
    passphrase: await ask(
      { ...question, validate: (text) => text.length >= 12 || 'At least 12 characters.' },
      mayAsk,
    ),
  };
}

/** Signs of a folder that is copied elsewhere. */
const COPIED = [
  '.git',
  '.hg',
  '.svn',
  '.stfolder',
  '.dropbox',
  '.dropbox.cache',
  '.sync',
  '.owncloudsync.log',
];

/** The nearest folder above a file that is copied to other machines. */
function copiedFolder(file: string): string | undefined {
  let folder = dirname(resolve(file));
  for (;;) {
    const current = folder;
    if (COPIED.some((sign) => existsSync(join(current, sign)))) return current;
    if (/\/(?:Dropbox|OneDrive|Nextcloud|ownCloud|Google Drive|gvfs)$/i.test(current)) return current;
    folder = dirname(current);
    if (folder === current) return undefined;
  }
}

/**
 * Where an import file may be written: it holds passwords as they are.
 *
 * @throws {AppError} E_OUTPUT, exit 64 for a name that Firefox's importer takes for another format, 73 for a folder
 *   that is copied to other machines
 */
export function requireImportFile(file: string): string {
  if (extname(file).toLowerCase() !== '.csv') {
    throw new AppError(`'${file}' does not end in .csv.`, {
      code: 'E_OUTPUT',
      exit: ExitCode.usage,
      hint: 'Firefox takes any other name for a table with tabs.',
    });
  }
  const copied = copiedFolder(file);
  if (copied === undefined) return resolve(file);
  throw new AppError(`'${copied}' is copied to other machines, and the file would hold passwords.`, {
    code: 'E_OUTPUT',
    exit: ExitCode.cannotWrite,
    hint: 'Name a folder that stays here, or use --to-firefox, which needs no file.',
  });
}

/** The file for what Firefox has no place for: without one it would be lost. */
export function requireLeftOverFile(file: string | undefined): string {
  if (file !== undefined && !existsSync(file)) return resolve(file);
  throw new AppError(file === undefined ? '--left-over is missing.' : `'${file}' is there already.`, {
    code: file === undefined ? 'E_USAGE' : 'E_EXISTS',
    exit: file === undefined ? ExitCode.usage : ExitCode.cannotWrite,
    hint: 'It takes a new file for what Firefox has no place for (notes, one-time secrets, bookmarks), encrypted.',
  });
}

/** Write what Firefox has no place for, encrypted: JSON with an entry for each of the export. */
export async function writeLeftOver(file: string, decisions: readonly Decision[], to: AgeTo): Promise<void> {
  const text = JSON.stringify({ version: 1, entries: leftOver(decisions) }, null, 2);
  writeSecret(file, await encryptAge(Buffer.from(text), to));
}
