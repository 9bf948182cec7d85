import type { Explanation } from './types.ts';

export const validationExplanations: readonly Explanation[] = [
  {
    id: 'validation.audit.broken',
    what: 'The chain of hashes over the audit log of the validation server.',
    why: 'An entry was changed or left out by somebody who can write to the database, past the program.',
    fix: 'Find out who that was; compare with a backup, and with the head that was noted elsewhere.',
  },
  {
    id: 'validation.no-client',
    what: 'Whether any program may ask the validation server.',
    why: 'Every request is answered NO_SUCH_CLIENT.',
    fix: 'Add a client with "postern validation client add"; its number and API key go into the program that asks.',
  },
];
