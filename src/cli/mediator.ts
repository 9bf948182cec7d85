import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import * as Flags from '@oclif/core/flags';
import { AppError, ExitCode } from '../errors.ts';
import { makeFolder } from '../folder.ts';
import type { Act } from '../mediator/acts.ts';
import { append, EMPTY_JOURNAL, type Journal, JournalFault, readJournal } from '../mediator/journal.ts';
import { ActFault, type Ledger } from '../mediator/ledger.ts';
import {
  type ListStatement,
  MAX_LIST_BYTES,
  type Pointer,
  type Role,
  type Root,
  readPointer,
} from '../registry/documents.ts';
import { MAX_ENVELOPE_BYTES, readEnvelope } from '../registry/envelope.ts';
import { privateFolder, readIfThere, replaceFile } from '../registry/files.ts';
import { publicHalf } from '../registry/keys.ts';
import {
  type Accepted,
  acceptFirstRoot,
  acceptList,
  acceptNextRoot,
  acceptPointer,
  RuleFault,
} from '../registry/rules.ts';
import { DocumentFault } from '../trust/json.ts';
import { readNameFile } from '../trust/name-file.ts';
import type { PublishedNames } from '../trust/open-signup.ts';
import { withEnvironment } from './flags.ts';
import { withLock } from './lock.ts';
import { ask } from './prompt.ts';
import { readSecretFile, writeSecret } from './secrets.ts';
import { mediatorFolder } from './trust-store.ts';

/** Flags of everything that a mediator does. */
export const mediatorFlags = withEnvironment({
  folder: Flags.string({
    summary: 'Folder with journal and keys of the mediator; the default lies among the state of postern.',
    helpValue: 'DIR',
    helpGroup: 'MEDIATOR',
  }),
});

/** Flags of what is noted in the journal. */
export const actorFlags = withEnvironment({
  ...mediatorFlags,
  actor: Flags.string({
    summary: 'Who does this, as the journal is to have it.',
    helpValue: 'NAME',
    helpGroup: 'MEDIATOR',
  }),
});

const MAX_JOURNAL_BYTES = 256 * 1024 * 1024;

/** What a mediator has published last, as it would be accepted. */
export type Published = {
  readonly roots: readonly Accepted<Root>[];
  readonly root: Accepted<Root>;
  readonly pointer: Accepted<Pointer> | null;
  readonly list: Accepted<ListStatement> | null;
};

/** The folder of a mediator: journal, keys, and what was signed. */
export class Office {
  readonly folder: string;
  readonly public: string;
  readonly pendingFile: string;
  private readonly journalFile: string;

  constructor(folder: string | undefined) {
    this.folder = folder === undefined ? mediatorFolder() : resolve(folder);
    this.public = join(this.folder, 'public');
    this.pendingFile = join(this.folder, 'pending.json');
    this.journalFile = join(this.folder, 'journal.jsonl');
  }

  /** Run alone: two acts at once would make two lines with one number. */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    privateFolder(this.folder);
    return await withLock(join(this.folder, 'lock'), work);
  }

  /** @throws AppError E_JOURNAL (exit 65) when it does not hold, E_NO_MEDIATOR (exit 78) when there is none */
  journal(): Journal {
    const journal = this.journalOrNone();
    if (journal.deeds.length > 0) return journal;
    throw new AppError(`There is no mediator in '${this.folder}'.`, {
      code: 'E_NO_MEDIATOR',
      exit: ExitCode.config,
      hint: 'Make one: postern mediator init mediator.example.org --name NAME --actor YOU. Or name its folder with --folder.',
    });
  }

  journalOrNone(): Journal {
    const bytes = readIfThere(this.journalFile, MAX_JOURNAL_BYTES);
    if (bytes === null) return EMPTY_JOURNAL;
    try {
      return readJournal(bytes.toString('utf8'));
    } catch (error) {
      if (!(error instanceof JournalFault)) throw error;
      throw new AppError(`The journal '${this.journalFile}' does not hold: ${error.message}.`, {
        code: 'E_JOURNAL',
        exit: ExitCode.input,
        hint: 'Nothing is signed from it. Take the last copy that holds, and find out who changed it.',
        cause: error,
      });
    }
  }

  /** Note acts, all or none. */
  note(journal: Journal, acts: readonly Act[], actor: string, nowMs: number): Journal {
    const after = allowed(() => acts.reduce((so, act) => append(so, act, actor, nowMs), journal));
    replaceFile(this.journalFile, after.text);
    return after;
  }

  /** Private keys that lie here. */
  keys(): readonly KeyObject[] {
    const folder = join(this.folder, 'keys');
    return readdirSync(folder)
      .filter((name) => name.endsWith('.pem'))
      .map((name) => readKey(join(folder, name)));
  }

  /** Keep a new private key, 0600. */
  keepKey(role: Role, key: KeyObject): string {
    const folder = join(this.folder, 'keys');
    privateFolder(folder);
    const file = join(folder, `${role}-${publicHalf(key).id.slice(0, 16)}.pem`);
    writeSecret(file, key.export({ type: 'pkcs8', format: 'pem' }).toString());
    return file;
  }

  /** A file of the publication. */
  putPublic(name: string, bytes: Uint8Array): void {
    const file = join(this.public, name);
    makeFolder(dirname(file), 0o755);
    replaceFile(file, bytes, 0o644);
  }

  readPublic(name: string): Buffer | null {
    return readIfThere(join(this.public, name), MAX_LIST_BYTES);
  }

  /** The file that a ledger or a list names; null when it names none, or when it is not there. */
  openSignupBytes({ openSignup }: Pick<ListStatement, 'openSignup'>): Buffer | null {
    return openSignup && this.readPublic(`lists/${openSignup.sha256}.names`);
  }

  /** The domains of open sign-up that this mediator names; null when it names none. */
  openSignup({ mediator, openSignup }: Ledger): PublishedNames | null {
    const bytes = this.openSignupBytes({ openSignup });
    if (bytes === null) return null;
    try {
      return { mediator: mediator?.id ?? '', file: readNameFile(bytes) };
    } catch (error) {
      if (!(error instanceof DocumentFault)) throw error;
      throw new AppError(`The file of open sign-up in '${this.public}' cannot be read: ${error.message}.`, {
        code: 'E_PUBLISHED',
        exit: ExitCode.input,
        hint: 'Hand it over again: postern mediator open-signup FILE.',
        cause: error,
      });
    }
  }

  /**
   * What was signed last, verified as a reader would.
   *
   * @throws AppError E_PUBLISHED (exit 65) when it would be refused
   */
  published(): Published {
    try {
      const roots = this.roots();
      const root = roots.at(-1) as Accepted<Root>;
      const pointerBytes = readIfThere(join(this.public, 'pointer.json'), MAX_ENVELOPE_BYTES);
      if (pointerBytes === null) return { roots, root, pointer: null, list: null };
      const signers = signingRoot(roots, pointerBytes);
      const pointer = acceptPointer(signers, pointerBytes, null);
      const bytes = this.readPublic(`${pointer.said.list.version}.list.json`) ?? Buffer.alloc(0);
      return { roots, root, pointer, list: acceptList(signers, pointer.said, bytes, null) };
    } catch (error) {
      if (!(error instanceof RuleFault)) throw error;
      throw new AppError(`What lies in '${this.public}' would be refused: ${error.message}`, {
        code: 'E_PUBLISHED',
        exit: ExitCode.input,
        hint: 'Take it from a copy, or see what "postern mediator audit" says.',
        cause: error,
      });
    }
  }

  private roots(): Accepted<Root>[] {
    const roots = [acceptFirstRoot(this.readPublic('1.root.json') ?? Buffer.alloc(0))];
    for (;;) {
      const last = roots.at(-1) as Accepted<Root>;
      const bytes = this.readPublic(`${last.said.version + 1}.root.json`);
      if (bytes === null) return roots;
      roots.push(acceptNextRoot(last, bytes));
    }
  }
}

/** The root that the pointer belongs to: between a rotation and the next signature it is not the last one. */
function signingRoot(roots: readonly Accepted<Root>[], pointer: Uint8Array): Root {
  const { rootVersion } = claimOf(pointer);
  const named = roots.find(({ said }) => said.version === rootVersion);
  if (named === undefined)
    throw new RuleFault('version', `The pointer names root ${rootVersion}, which is not here.`);
  return named.said;
}

/** What a pointer says before anybody has verified it. */
function claimOf(bytes: Uint8Array): Pointer {
  try {
    return readPointer(readEnvelope(bytes).payload);
  } catch (error) {
    if (error instanceof DocumentFault) throw new RuleFault('form', error.message);
    throw error;
  }
}

/** A private Ed25519 key from a file that only its owner can read. */
export function readKey(file: string): KeyObject {
  const text = readSecretFile(file);
  try {
    const key = createPrivateKey(text);
    if (key.asymmetricKeyType !== 'ed25519') throw new TypeError('it is no Ed25519 key');
    return key;
  } catch (error) {
    throw new AppError(`'${file}' holds no key to sign with.`, {
      code: 'E_KEY',
      exit: ExitCode.input,
      hint: 'It is an Ed25519 key in PEM (PKCS #8), as postern mediator init makes.',
      cause: error,
    });
  }
}

/** Turn a rule of the mediator that was broken into what the user is told. */
export function allowed<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ActFault)) throw error;
    throw new AppError(error.message, {
      code: 'E_ACT',
      exit: ExitCode.usage,
      hint: 'Nothing was noted. postern mediator list tells where each entry stands.',
      cause: error,
    });
  }
}

/** The person who does it: from the flag, or asked. */
export async function actorOf(given: string | undefined, mayAsk: boolean): Promise<string> {
  return await answer(given, { message: 'Your name, for the journal:', flag: 'actor' }, mayAsk);
}

/** An answer from a flag, or from the person at the terminal. */
export async function answer(
  given: string | undefined,
  question: { readonly message: string; readonly flag: string },
  mayAsk: boolean,
): Promise<string> {
  const validate = (text: string) => text.trim() !== '' || 'Something has to stand there.';
  const text = (given ?? (await ask({ ...question, validate }, mayAsk))).trim();
  if (text !== '') return text;
  throw new AppError(`--${question.flag} is empty.`, { code: 'E_USAGE', exit: ExitCode.usage });
}

/** Yes or no from a flag, or from the person at the terminal. */
export async function answerYesNo(
  given: boolean | undefined,
  question: { readonly message: string; readonly flag: string },
  mayAsk: boolean,
): Promise<boolean> {
  if (given !== undefined) return given;
  const validate = (text: string) => /^(?:y|yes|n|no)$/i.test(text.trim()) || 'yes or no?';
  const text = await ask({ ...question, message: `${question.message} (yes/no)`, validate }, mayAsk);
  return /^y/i.test(text.trim());
}
