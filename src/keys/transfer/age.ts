import { AppError, ExitCode } from '../../errors.ts';

// The one file that loads the package for age (age-encryption.org/v1).

/** First bytes of an age file, in binary and in armour. */
const MAGIC = ['age-encryption.org/v1\n', '-----BEGIN AGE ENCRYPTED FILE-----'] as const;

/** Whether these are the bytes of an age file. */
export function isAge(bytes: Uint8Array): boolean {
  const head = Buffer.from(bytes.subarray(0, 64)).toString('latin1');
  return MAGIC.some((magic) => head.startsWith(magic));
}

/** Recipients or identities, one a line; empty lines and comments between them. */
export function ageLines(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/**
 * Encrypt for everybody who is named.
 *
 * @param recipients  public keys, each `age1…`; at least one
 * @throws AppError E_RECIPIENT (exit 64)
 */
export async function encryptAge(plain: Uint8Array, recipients: readonly string[]): Promise<Uint8Array> {
  const { Encrypter } = await import('age-encryption');
  const encrypter = new Encrypter();
  for (const recipient of recipients) {
    try {
      encrypter.addRecipient(recipient);
    } catch (cause) {
      throw new AppError(`'${recipient}' is no age recipient.`, {
        code: 'E_RECIPIENT',
        exit: ExitCode.usage,
        hint: 'It begins with age1; "age-keygen -y FILE" prints the one of an identity.',
        cause,
      });
    }
  }
  return encrypter.encrypt(plain);
}

/**
 * Decrypt with any of the identities.
 *
 * @param identities  each `AGE-SECRET-KEY-1…`
 * @throws AppError E_IDENTITY (exit 64 for a line that is none, 77 when none of them opens the file)
 */
export async function decryptAge(
  bytes: Uint8Array,
  identities: readonly string[],
  file: string,
): Promise<Uint8Array> {
  const { armor, Decrypter } = await import('age-encryption');
  const decrypter = new Decrypter();
  try {
    for (const identity of identities) decrypter.addIdentity(identity);
  } catch (cause) {
    throw new AppError('The file of identities has a line that is none.', {
      code: 'E_IDENTITY',
      exit: ExitCode.usage,
      hint: 'Make one with age-keygen; it begins with AGE-SECRET-KEY-1.',
      cause,
    });
  }
  try {
    const armoured = bytes[0] === 0x2d;
    return await decrypter.decrypt(armoured ? armor.decode(Buffer.from(bytes).toString('latin1')) : bytes);
  } catch (cause) {
    throw new AppError(`'${file}' cannot be opened with these identities, or was changed.`, {
      code: 'E_IDENTITY',
      exit: ExitCode.noPermission,
      hint: 'Give the identity of one of its recipients with --identity-file.',
      cause,
    });
  }
}
