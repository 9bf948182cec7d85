import { AppError } from '../errors.ts';
import { DocumentFault } from '../trust/json.ts';
import { MAX_NAME_FILE_BYTES, readNameFile } from '../trust/name-file.ts';
import { type Registry, readRegistry } from '../trust/registry.ts';
import {
  type FileDigest,
  type ListStatement,
  MAX_LIST_BYTES,
  type Pointer,
  type Role,
  type Root,
} from './documents.ts';
import { MAX_ENVELOPE_BYTES } from './envelope.ts';
import { entrySpans } from './index-file.ts';
import {
  type Accepted,
  acceptFirstRoot,
  acceptList,
  acceptNextRoot,
  acceptPointer,
  demandDigest,
  demandFresh,
  demandNotAhead,
  RuleFault,
} from './rules.ts';

/** Where a mediator publishes. */
export type Source = {
  /**
   * A file by its name below the place of publication.
   *
   * @returns null when there is none
   * @throws {RuleFault} `source` when it cannot be had, or is larger than `maxBytes`
   */
  read(name: string, maxBytes: number): Promise<Uint8Array | null>;
};

/** What a reader holds of one mediator: signed documents as they came. */
export type Holding = {
  readonly root: Accepted<Root>;
  readonly pointer: Accepted<Pointer> | null;
  readonly list: Accepted<ListStatement> | null;
  /** The newest `issued` of all that was accepted: it cannot be earlier than that. */
  readonly clockMs: number;
};

/** What became of an update. A root that was accepted is in `holding` even when what followed was refused. */
export type Updated = {
  readonly holding: Holding;
  /** The list itself; null when the one that is held already is current, or with a fault. */
  readonly document: Uint8Array | null;
  /** Its open-signup domains, likewise; null as well when it has none. */
  readonly openSignup: Uint8Array | null;
  readonly fault: RuleFault | null;
};

/** Most roots in one update: a reader that was away for long comes again. */
const MAX_ROOTS = 256;

/**
 * What is left of kept documents, verified again: what the root's keys of today do not sign is not held.
 *
 * @throws {RuleFault} when the root itself does not hold
 */
export function holdingFrom(kept: {
  readonly root: Uint8Array;
  readonly pointer: Uint8Array | null;
  readonly list: Uint8Array | null;
  readonly clockMs: number;
}): Holding {
  const root = acceptFirstRoot(kept.root);
  return { root, ...stillSigned(root.said, kept.pointer, kept.list), clockMs: kept.clockMs };
}

/** A reader's first holding, from the root that a person handed over. */
export function firstHolding(root: Uint8Array): Holding {
  const accepted = acceptFirstRoot(root);
  return { root: accepted, pointer: null, list: null, clockMs: accepted.said.issuedMs };
}

/** TUF §5.3.11: what was signed by keys that are no longer in office counts for nothing, not even its version. */
function stillSigned(
  root: Root,
  pointerBytes: Uint8Array | null,
  listBytes: Uint8Array | null,
): Pick<Holding, 'pointer' | 'list'> {
  const pointer = attempt(() => (pointerBytes ? acceptPointer(root, pointerBytes, null) : null));
  const list = attempt(() => (pointer && listBytes ? acceptList(root, pointer.said, listBytes, null) : null));
  return { pointer, list };
}

function attempt<T>(accept: () => T | null): T | null {
  try {
    return accept();
  } catch (error) {
    if (error instanceof RuleFault) return null;
    throw error;
  }
}

/**
 * Bring a holding up to date (TUF §5.3 to §5.6). Never throws for what the other side does.
 *
 * @param have   digests of the files that are held whole, which need not be fetched again
 * @param nowMs  our clock
 */
export async function update(
  held: Holding,
  source: Source,
  { nowMs, have }: { readonly nowMs: number; readonly have: ReadonlySet<string> },
): Promise<Updated> {
  let holding = held;
  try {
    holding = await followRoots(held, source, nowMs);
    const clockMs = Math.max(nowMs, holding.clockMs);
    demandFresh(holding.root.said, 'root', clockMs);
    const next = await fetchCurrent(holding, source, nowMs, clockMs);
    const { document, openSignup } = next.list.said;
    const isMissing = (file: FileDigest | null) => file !== null && !have.has(file.sha256);
    return {
      holding: next,
      document: isMissing(document) ? await fetchDocument(next, source) : null,
      openSignup: openSignup && isMissing(openSignup) ? await fetchOpenSignup(openSignup, source) : null,
      fault: null,
    };
  } catch (error) {
    if (!(error instanceof RuleFault)) throw error;
    return { holding, document: null, openSignup: null, fault: error };
  }
}

/** TUF §5.3.3 to §5.3.9: root after root until there is no next one. */
async function followRoots(held: Holding, source: Source, nowMs: number): Promise<Holding> {
  let { root } = held;
  for (let steps = 0; steps < MAX_ROOTS; steps += 1) {
    const bytes = await source.read(`${root.said.version + 1}.root.json`, MAX_ENVELOPE_BYTES);
    if (bytes === null) break;
    const next = acceptNextRoot(root, bytes);
    demandNotAhead(next.said, 'root', nowMs);
    root = next;
  }
  if (root === held.root) return held;
  const clockMs = Math.max(held.clockMs, root.said.issuedMs);
  return {
    root,
    ...stillSigned(root.said, held.pointer?.bytes ?? null, held.list?.bytes ?? null),
    clockMs,
  };
}

type Current = Holding & { readonly list: Accepted<ListStatement> };

async function fetchCurrent(
  { root, pointer: seenPointer, list: seenList, clockMs: seenMs }: Holding,
  source: Source,
  nowMs: number,
  clockMs: number,
): Promise<Current> {
  const pointer = acceptPointer(root.said, await need(source, 'pointer.json', 'pointer'), seenPointer);
  if (pointer.said.rootVersion !== root.said.version)
    throw new RuleFault(
      'version',
      `The pointer belongs to root ${pointer.said.rootVersion}; the newest that is to be had is ${root.said.version}.`,
    );
  demandTime(pointer.said, 'pointer', nowMs, clockMs);
  const name = `${pointer.said.list.version}.list.json`;
  const list = acceptList(root.said, pointer.said, await need(source, name, 'list'), seenList);
  demandTime(list.said, 'list', nowMs, clockMs);
  return { root, pointer, list, clockMs: Math.max(seenMs, pointer.said.issuedMs, list.said.issuedMs) };
}

/** What is yet to come is so by our own clock; what is over is so by the later of ours and what was seen. */
function demandTime(document: Pointer | ListStatement, role: Role, nowMs: number, clockMs: number): void {
  demandNotAhead(document, role, nowMs);
  demandFresh(document, role, clockMs);
}

async function need(source: Source, name: string, role: Role): Promise<Uint8Array> {
  const bytes = await source.read(name, MAX_ENVELOPE_BYTES);
  if (bytes === null) throw new RuleFault('missing', `There is no ${name}: the ${role} is missing.`);
  return bytes;
}

async function fetchDocument({ list }: Current, source: Source): Promise<Uint8Array> {
  const { document } = list.said;
  const bytes = await fetchFile(document, { what: 'list', suffix: 'json', maxBytes: MAX_LIST_BYTES }, source);
  registryOf(list.said, bytes);
  entrySpans(bytes);
  return bytes;
}

async function fetchOpenSignup(file: FileDigest, source: Source): Promise<Uint8Array> {
  const what = 'list of open sign-up';
  const bytes = await fetchFile(file, { what, suffix: 'names', maxBytes: MAX_NAME_FILE_BYTES }, source);
  try {
    readNameFile(bytes);
  } catch (error) {
    if (error instanceof DocumentFault) throw new RuleFault('form', `The ${what}: ${error.message}.`);
    throw error;
  }
  return bytes;
}

/** A file of the publication, held to the digest that was signed. */
async function fetchFile(
  file: FileDigest,
  { what, suffix, maxBytes }: { readonly what: string; readonly suffix: string; readonly maxBytes: number },
  source: Source,
): Promise<Uint8Array> {
  const { sha256, lengthBytes } = file;
  if (lengthBytes > maxBytes)
    throw new RuleFault('form', `The ${what} has ${lengthBytes} bytes; more than ${maxBytes} are not taken.`);
  const name = `lists/${sha256}.${suffix}`;
  const bytes = await source.read(name, lengthBytes);
  if (bytes === null) throw new RuleFault('missing', `There is no ${name}.`);
  demandDigest(bytes, file, what);
  return bytes;
}

/**
 * The list of domains that a statement is about.
 *
 * @throws {RuleFault} when it cannot be read or says another thing of itself than the statement
 */
export function registryOf(said: ListStatement, bytes: Uint8Array): Registry {
  let registry: Registry;
  try {
    registry = readRegistry(bytes, 'the list of domains');
  } catch (error) {
    if (error instanceof AppError || error instanceof DocumentFault)
      throw new RuleFault('form', error.message);
    throw error;
  }
  const { mediator, version, issuedMs, expiresMs } = registry;
  if (mediator.id !== said.mediator)
    throw new RuleFault('mediator', `The list of domains is of ${mediator.id}, not of ${said.mediator}.`);
  if (version !== said.version || issuedMs !== said.issuedMs || expiresMs !== said.expiresMs)
    throw new RuleFault('version', 'Version or times of the list of domains are not those that were signed.');
  return registry;
}
