import type { KeyObject } from 'node:crypto';
import { rmSync } from 'node:fs';
import { AppError, ExitCode } from '../errors.ts';
import type { Journal } from '../mediator/journal.ts';
import {
  missingSignatures,
  needsNewList,
  prepareList,
  preparePointer,
  signWith,
} from '../mediator/signing.ts';
import { type ListStatement, readListStatement } from '../registry/documents.ts';
import {
  type Envelope,
  MAX_ENVELOPE_BYTES,
  readEnvelope,
  withSignature,
  writeEnvelope,
} from '../registry/envelope.ts';
import { readIfThere, replaceFile } from '../registry/files.ts';
import { sha256 } from '../registry/keys.ts';
import type { Accepted } from '../registry/rules.ts';
import type { Office, Published } from './mediator.ts';

/** What came of signing. */
export type Signed = {
  readonly journal: Journal;
  readonly list: number;
  readonly pointer: number;
  readonly newList: boolean;
  /** Signatures that the list still needs; 0: it is signed, and the pointer names it. */
  readonly missing: number;
};

export type SigningOptions = {
  readonly office: Office;
  readonly actor: string;
  readonly nowMs: number;
  /** Keys beside those of the folder. */
  readonly keys?: readonly KeyObject[];
  /** Signatures that were made elsewhere. */
  readonly brought?: readonly Envelope[];
  /** Make a new list even if nothing changed: the list keys did. */
  readonly always?: boolean;
};

/**
 * Sign what has changed: a new list where something was done since, and a pointer in any case. A list that lacks signatures
 * waits in pending.json. Journal before pointer: no version is ever given to two contents.
 */
export function signPublication(options: SigningOptions): Signed {
  const { office, nowMs, always = false } = options;
  const journal = office.journal();
  const published = office.published();
  const keys = [...office.keys(), ...(options.keys ?? [])];
  const newList = always || needsNewList(journal, published.list?.said ?? null, nowMs);
  if (!newList)
    return signPointer(options, journal, published, keys, published.list as Accepted<ListStatement>, false);
  const pending = pendingList(office, journal, nowMs, always);
  const prepared = pending ?? freshList(office, journal, published, nowMs);
  const role = published.root.said.roles.list;
  const envelope = (options.brought ?? [])
    .filter(({ payload }) => payload.equals(prepared.payload))
    .flatMap(({ signatures }) => signatures)
    .reduce(withSignature, signWith(prepared, role, keys));
  const missing = missingSignatures(envelope, role);
  replaceFile(office.pendingFile, writeEnvelope(envelope));
  const said = readListStatement(envelope.payload);
  if (missing > 0) {
    const { list, pointer } = journal.ledger;
    return { journal, list, pointer, newList, missing };
  }
  const signed = signPointer(
    options,
    journal,
    published,
    keys,
    { bytes: writeEnvelope(envelope), said },
    true,
  );
  rmSync(office.pendingFile, { force: true });
  return signed;
}

/** A list that waits for signatures, if it is still the one that follows from the journal. */
function pendingList(office: Office, journal: Journal, nowMs: number, always: boolean): Envelope | null {
  const bytes = readIfThere(office.pendingFile, MAX_ENVELOPE_BYTES);
  if (bytes === null) return null;
  const envelope = readEnvelope(bytes);
  const said = readListStatement(envelope.payload);
  const isNext = said.version === journal.ledger.list + 1;
  if (!isNext || (!always && needsNewList(journal, said, nowMs))) return null;
  return office.readPublic(`lists/${said.document.sha256}.json`) === null ? null : envelope;
}

function freshList(office: Office, journal: Journal, { root }: Published, nowMs: number): Envelope {
  const { document, statement, envelope } = prepareList(journal, root.said, nowMs);
  office.putPublic(`lists/${statement.document.sha256}.json`, document);
  return envelope;
}

function signPointer(
  { office, actor, nowMs }: SigningOptions,
  journal: Journal,
  { root }: Published,
  keys: readonly KeyObject[],
  list: Accepted<ListStatement>,
  newList: boolean,
): Signed {
  const version = journal.ledger.pointer + 1;
  const role = root.said.roles.pointer;
  const envelope = signWith(preparePointer(version, root.said, list, nowMs).envelope, role, keys);
  const missing = missingSignatures(envelope, role);
  if (missing > 0)
    throw new AppError(`The pointer lacks ${missing} of ${role.threshold} signatures.`, {
      code: 'E_KEYS',
      exit: ExitCode.config,
      hint: 'The pointer is signed every day, so its keys have to lie in the folder, or be named with --key.',
    });
  if (newList) office.putPublic(`${list.said.version}.list.json`, list.bytes);
  const act = {
    kind: 'sign',
    list: list.said.version,
    statement: sha256(list.bytes),
    pointer: version,
  } as const;
  const after = office.note(journal, [act], actor, nowMs);
  office.putPublic('pointer.json', writeEnvelope(envelope));
  return { journal: after, list: list.said.version, pointer: version, newList, missing: 0 };
}
