import type { Explanation } from './types.ts';

export const importExplanations: readonly Explanation[] = [
  {
    id: 'export.empty',
    what: 'Whether there are keys to export.',
    why: 'An export that is a backup and holds nothing would be noticed when it is needed.',
    fix: 'Run it as the user, and with the state directory, that the keys were recorded with.',
  },
  {
    id: 'import.proof',
    what: 'Keys of which an OTP was given that does not decrypt with what the file says.',
    why: 'The key was reprogrammed after the file was written, or the file is of another key: people would be locked out.',
    fix: 'Leave these keys out of the file, or reprogram them, and import the rest.',
  },
  {
    id: 'move.empty',
    what: 'There is no store in the folder that was to be moved.',
    why: 'Nothing was moved, which is rarely what somebody had in mind.',
    fix: 'Name the folder with --store; a service of the Debian package has /var/lib/postern/validation.',
  },
  {
    id: 'move.conflict',
    what: 'Keys or clients that the database has with other secrets than the folder.',
    why: 'They were programmed, or made, twice. Secrets are never replaced by a move.',
    fix: 'Look which of the two is in use with "postern validation status" in each; rename or disable the other.',
  },
  {
    id: 'import.conflict',
    what: 'Public ids for which another secret is on record, or in another of the files.',
    why: 'One of the two is old. Secrets are never replaced by an import: whoever can hand in a file could put in a key of their own.',
    fix: 'Find out which one the key has: import the file with --prove into an empty state directory.',
  },
  {
    id: 'import.no-secret',
    what: 'Keys whose AES key or private id is neither in the files nor on record.',
    why: 'Counters are kept by yubikey-val, secrets by yubikey-ksm; some lists have no private ids.',
    fix: 'Name both databases in one call; private ids that no file has are taken from an OTP of each key with --prove.',
  },
  {
    id: 'import.stranger',
    what: 'OTPs that were given as proof, and are of no key in the files.',
    why: 'A key that people have would be missing after the move.',
    fix: 'Look for its public id, the first characters of the OTP, in the other server.',
  },
  {
    id: 'import.waiting',
    what: 'Keys that were taken over, but of which no OTP was seen yet.',
    why: 'They were programmed for this server and not touched, or --require-proof was given. Their OTPs are refused.',
    fix: 'Touch each once: "postern validation import FILE --prove -".',
  },
  {
    id: 'import.left-out',
    what: 'Rows of a file that were not taken over.',
    why: 'They are slots of another kind (HMAC, HOTP, static passwords), or damaged.',
    fix: 'See the list with --json; each has its line and reason.',
  },
];
