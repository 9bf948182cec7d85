import { type Argon2Parameters, argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

/** Memory in KiB, passes and lanes as OWASP advises for Argon2id. */
const COST = { memory: 19_456, passes: 2, parallelism: 1 } as const;
const TAG_LENGTH = 32;
const SALT_LENGTH = 16;

/** What a PHC string may ask for: a changed database must not make us run out of memory. */
const MOST = { memory: 262_144, passes: 16, parallelism: 4 };

const derive = promisify((parameters: Argon2Parameters, done: (error: Error | null, key: Buffer) => void) =>
  argon2('argon2id', parameters, done),
);

const text64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64').replace(/=+$/, '');
const messageOf = (password: string) => Buffer.from(password.normalize('NFC'));

/** Argon2id of a password (RFC 9106) under a salt of its own, as a PHC string. */
export async function hashPassword(password: string): Promise<string> {
  const nonce = randomBytes(SALT_LENGTH);
  const tag = await derive({ message: messageOf(password), nonce, tagLength: TAG_LENGTH, ...COST });
  return `$argon2id$v=19$m=${COST.memory},t=${COST.passes},p=${COST.parallelism}$${text64(nonce)}$${text64(tag)}`;
}

/** The hash of no password: what is unknown costs as much as what is known. */
export const DUMMY_HASH = `$argon2id$v=19$m=${COST.memory},t=${COST.passes},p=${COST.parallelism}$${text64(Buffer.alloc(SALT_LENGTH, 7))}$${text64(Buffer.alloc(TAG_LENGTH))}`;

/** Whether a password fits; false for a string that is none of ours. */
export async function passwordFits(password: string, phc: string): Promise<boolean> {
  const [, memory = '', passes = '', parallelism = '', salt = '', tag = ''] =
    /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/.exec(
      phc,
    ) ?? [];
  const cost = { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) };
  if (
    tag === '' ||
    cost.memory > MOST.memory ||
    cost.passes > MOST.passes ||
    cost.parallelism > MOST.parallelism
  )
    return false;
  const expected = Buffer.from(tag, 'base64');
  const nonce = Buffer.from(salt, 'base64');
  const found = await derive({ message: messageOf(password), nonce, tagLength: expected.length, ...cost });
  return timingSafeEqual(found, expected);
}
