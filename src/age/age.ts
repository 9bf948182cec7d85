import { AppError, ExitCode } from '../errors.ts';

/** Who can decrypt: holders of age identities, or whoever knows a passphrase; never both in one file. */
export type AgeTo = { readonly recipients: readonly string[] } | { readonly passphrase: string };

/** What decrypts: age identities (`AGE-SECRET-KEY-1…`), or a passphrase. */
export type AgeFrom = { readonly identities: readonly string[] } | { readonly passphrase: string };

function refused(message: string, hint: string, cause: unknown): AppError {
  return new AppError(message, { code: 'E_AGE', exit: ExitCode.input, hint, cause });
}

/**
 * Encrypt as an age file (age-encryption.org/v1).
 *
 * @throws {AppError} E_AGE, exit 65, for a recipient that is none
 */
export async function encryptAge(bytes: Uint8Array, to: AgeTo): Promise<Uint8Array> {
  const { Encrypter } = await import('age-encryption');
  const encrypter = new Encrypter();
  try {
    if ('passphrase' in to) encrypter.setPassphrase(to.passphrase);
    else for (const recipient of to.recipients) encrypter.addRecipient(recipient);
  } catch (cause) {
    throw refused('A recipient is none.', 'It begins with age1, as age-keygen prints it.', cause);
  }
  return encrypter.encrypt(bytes);
}

/**
 * Decrypt an age file.
 *
 * @throws {AppError} E_AGE, exit 65, when the identity or passphrase does not fit, or the file was changed
 */
export async function decryptAge(bytes: Uint8Array, from: AgeFrom): Promise<Uint8Array> {
  const { Decrypter } = await import('age-encryption');
  const decrypter = new Decrypter();
  try {
    if ('passphrase' in from) decrypter.addPassphrase(from.passphrase);
    else for (const identity of from.identities) decrypter.addIdentity(identity);
    return await decrypter.decrypt(bytes, 'uint8array');
  } catch (cause) {
    throw refused(
      'It cannot be decrypted.',
      'The identity or passphrase does not fit, or the file is damaged.',
      cause,
    );
  }
}
