import { canonicalJson } from '../registry/canonical.ts';
import { instant, type JournalHead } from '../registry/documents.ts';
import { sha256 } from '../registry/keys.ts';
import { DocumentFault, Place, parseStrictJson } from '../trust/json.ts';
import { type Act, actJson, type Deed, readAct } from './acts.ts';
import { ActFault, EMPTY, type Ledger, perform } from './ledger.ts';

/** A journal: its lines, and what follows from them. */
export type Journal = {
  readonly text: string;
  readonly deeds: readonly Deed[];
  /** Digest of each line. */
  readonly digests: readonly string[];
  readonly ledger: Ledger;
};

const LINE_LIMITS = { maxBytes: 4 * 1024 * 1024, maxDepth: 8 };
const FIRST = '0'.repeat(64);

export const EMPTY_JOURNAL: Journal = { text: '', deeds: [], digests: [], ledger: EMPTY };

/** Something is wrong with a journal: with this line. */
export class JournalFault extends Error {
  override name = 'JournalFault';
  readonly line: number;

  constructor(line: number, message: string) {
    super(`line ${line}: ${message}`);
    this.line = line;
  }
}

/**
 * Read a journal and replay it.
 *
 * @throws {JournalFault} when the chain is broken, a line cannot be read, or an act was not allowed
 */
export function readJournal(text: string): Journal {
  if (text !== '' && !text.endsWith('\n')) throw new JournalFault(text.split('\n').length, 'is cut short');
  const lines = text.split('\n').slice(0, -1);
  let previous = FIRST;
  let ledger = EMPTY;
  let lastMs = 0;
  const deeds: Deed[] = [];
  const digests: string[] = [];
  for (const [index, line] of lines.entries()) {
    try {
      const deed = readLine(line, index + 1, previous);
      if (deed.atMs < lastMs) throw new ActFault('The clock went back.');
      ledger = perform(ledger, deed);
      lastMs = deed.atMs;
      deeds.push(deed);
    } catch (error) {
      if (error instanceof DocumentFault || error instanceof ActFault)
        throw new JournalFault(index + 1, error.message);
      throw error;
    }
    previous = sha256(line);
    digests.push(previous);
  }
  return { text, deeds, digests, ledger };
}

function readLine(line: string, number: number, previous: string): Deed {
  const place = new Place(parseStrictJson(Buffer.from(line), LINE_LIMITS));
  place.only(['n', 'time', 'actor', 'act', 'previous']);
  if (place.get('n').value !== number) place.get('n').fail(`is not ${number}`);
  if (place.get('previous').value !== previous)
    place.get('previous').fail('is not the digest of the line before: the journal was changed');
  return {
    actor: place.get('actor').string({ max: 200 }),
    atMs: place.get('time').time(),
    act: readAct(place.get('act')),
  };
}

/**
 * A journal with one act more. The time has seconds, as the line has.
 *
 * @throws {ActFault} when the act may not be done
 */
export function append(journal: Journal, act: Act, actor: string, nowMs: number): Journal {
  const lastMs = journal.deeds.at(-1)?.atMs ?? 0;
  const atMs = Math.max(Math.floor(nowMs / 1000) * 1000, lastMs);
  const deed = { actor, atMs, act };
  const ledger = perform(journal.ledger, deed);
  const line = canonicalJson({
    n: journal.deeds.length + 1,
    time: instant(atMs),
    actor,
    act: actJson(act),
    previous: journal.digests.at(-1) ?? FIRST,
  });
  return {
    text: `${journal.text}${line}\n`,
    deeds: [...journal.deeds, deed],
    digests: [...journal.digests, sha256(line)],
    ledger,
  };
}

/** Where a journal stands; null when it is empty. */
export function headOf({ deeds, digests }: Journal): JournalHead | null {
  const last = digests.at(-1);
  return last === undefined ? null : { lines: deeds.length, sha256: last };
}

/**
 * The journal as it stood at a line.
 *
 * @throws {JournalFault} when it has no such line, or another one there
 */
export function journalAt(journal: Journal, { lines, sha256: digest }: JournalHead): Journal {
  if (journal.digests[lines - 1] !== digest) throw new JournalFault(lines, 'is not the one that was signed');
  const text = journal.text.split('\n').slice(0, lines).join('\n');
  return readJournal(`${text}\n`);
}
