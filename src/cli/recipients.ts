import type { Interfaces } from '@oclif/core';
import * as Flags from '@oclif/core/flags';
import { AppError, ExitCode } from '../errors.ts';
import { ageLines, encryptAge } from '../keys/transfer/age.ts';
import { withEnvironment } from './flags.ts';
import { readWhole } from './input.ts';

/** Flags of everything that encrypts for somebody else. */
export const recipientFlags = withEnvironment({
  recipient: Flags.string({
    summary: 'Encrypt to this age recipient; repeatable.',
    multiple: true,
    helpValue: 'age1…',
  }),
  'recipients-file': Flags.string({
    summary: 'Encrypt to the age recipients in this file, one a line.',
    helpValue: 'FILE',
  }),
});

type RecipientFlags = Interfaces.InferredFlags<typeof recipientFlags>;

/** Largest file of recipients, in bytes. */
const MAX_RECIPIENTS_BYTES = 256 * 1024;

/** Everybody who shall be able to read what is written. */
export async function readRecipients(flags: RecipientFlags): Promise<readonly string[]> {
  const file = flags['recipients-file'];
  const text = file === undefined ? '' : (await readWhole(file, MAX_RECIPIENTS_BYTES)).toString('utf8');
  return [...(flags.recipient ?? []), ...ageLines(text)];
}

/**
 * Encrypt for the recipients that were named.
 *
 * @throws AppError E_RECIPIENT (exit 64) when none was
 */
export async function encryptFor(flags: RecipientFlags, plain: string): Promise<Uint8Array> {
  const recipients = await readRecipients(flags);
  if (recipients.length > 0) return encryptAge(Buffer.from(plain), recipients);
  throw new AppError('Nobody was named who can read it.', {
    code: 'E_RECIPIENT',
    exit: ExitCode.usage,
    hint: 'Add --recipient age1…; "age-keygen" makes an identity and prints its recipient.',
  });
}
