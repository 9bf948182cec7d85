import type { ListStatement } from '../registry/documents.ts';
import { sha256 } from '../registry/keys.ts';
import type { Check } from '../report.ts';
import { listDocument } from './document.ts';
import { type Journal, JournalFault, journalAt } from './journal.ts';

/** A journal that was read holds: readJournal throws otherwise. */
export function journalCheck({ deeds, digests }: Journal): Check {
  const message = `Every one of ${deeds.length} lines follows from the one before, and every act was allowed.`;
  return { id: 'mediator.journal', status: 'ok', message, evidence: digests.at(-1) ?? '' };
}

/** A journal has to have the line whose digest was noted elsewhere. */
export function headCheck({ digests }: Journal, head: string): Check {
  const id = 'mediator.journal-head';
  const line = digests.indexOf(head.toLowerCase());
  if (line >= 0)
    return { id, status: 'ok', message: `The line that was noted elsewhere is line ${line + 1}.` };
  return {
    id,
    status: 'crit',
    message: 'The line that was noted elsewhere is not in the journal: its end was cut off or written anew.',
    fix: 'Compare with a copy, and find out who changed it.',
  };
}

/**
 * A list has to be what the journal makes.
 *
 * @param said   its signed statement; null when nothing is signed
 * @param bytes  the list; null when its file is missing
 */
export function listCheck(journal: Journal, said: ListStatement | null, bytes: Buffer | null): Check {
  const id = 'mediator.list';
  if (said === null) return { id, status: 'ok', info: true, message: 'No list is signed yet.' };
  const fix = 'Sign no more until it is known who made that list.';
  const { journal: head, version, document } = said;
  const bad = (message: string): Check => ({ id, status: 'crit', message, fix });
  if (bytes === null) return bad(`The file of list ${version} is missing: ${document.sha256}.`);
  if (head === null) return bad(`List ${version} names no line of the journal.`);
  try {
    const { ledger } = journalAt(journal, head);
    if (!listDocument(ledger, said).equals(bytes))
      return bad(`List ${version} is not what line ${head.lines} of the journal makes.`);
    if (ledger.openSignup?.sha256 !== said.openSignup?.sha256)
      return bad(
        `List ${version} names another file of open sign-up than line ${head.lines} of the journal.`,
      );
  } catch (error) {
    if (error instanceof JournalFault)
      return bad(`List ${version} was made from another journal: ${error.message}.`);
    throw error;
  }
  return {
    id,
    status: 'ok',
    message: `List ${version} is what line ${head.lines} of the journal makes, byte for byte.`,
  };
}

/** The file of open sign-up that a list names has to be there, as it was signed. */
export function openSignupCheck({ openSignup, version }: ListStatement, bytes: Buffer | null): Check {
  const id = 'mediator.open-signup';
  if (openSignup === null)
    return { id, status: 'ok', info: true, message: `List ${version} names no domains of open sign-up.` };
  if (bytes !== null && sha256(bytes) === openSignup.sha256)
    return { id, status: 'ok', message: `The domains of open sign-up are those that list ${version} names.` };
  return {
    id,
    status: 'crit',
    message: `The domains of open sign-up that list ${version} names are ${bytes === null ? 'missing' : 'others'}: readers refuse the list.`,
    fix: 'Take the file from a copy, or hand the domains over again: postern mediator open-signup FILE; then sign and publish.',
  };
}
