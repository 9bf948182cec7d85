import { DocumentFault } from '../trust/json.ts';
import {
  type Head,
  type ListStatement,
  type Pointer,
  type Role,
  type RoleKeys,
  type Root,
  readListStatement,
  readPointer,
  readRoot,
  TYPES,
} from './documents.ts';
import { type Envelope, readEnvelope, signersOf } from './envelope.ts';
import { sha256 } from './keys.ts';

/** Why a document is refused. The words are a contract: they end the ids of checks (`registry.sync.rollback`). */
export type Rule =
  | 'form'
  | 'signature'
  | 'version'
  | 'rollback'
  | 'equivocation'
  | 'expired'
  | 'future'
  | 'digest'
  | 'mediator'
  | 'missing'
  | 'source';

/** A document that is not accepted, and the rule that it breaks. */
export class RuleFault extends Error {
  readonly rule: Rule;

  constructor(rule: Rule, message: string) {
    super(message);
    this.name = 'RuleFault';
    this.rule = rule;
  }
}

/** A signed document that was accepted: as it came, and what it says. */
export type Accepted<T> = { readonly bytes: Uint8Array; readonly said: T };

/** How far ahead of our clock a document may have been issued (RG-5). */
const MAX_AHEAD_MS = 86_400_000;

/**
 * The root that a person handed over, or the one that was kept: signed by a threshold of its own keys. Whether it has
 * expired matters only for the newest one (TUF §5.3.10).
 */
export function acceptFirstRoot(bytes: Uint8Array): Accepted<Root> {
  const envelope = open(bytes, 'root');
  const said = reading('root', () => readRoot(envelope.payload));
  demandThreshold(envelope, said.roles.root, 'root', 'its own');
  return { bytes, said };
}

/** The root after this one: the next version, signed by a threshold of both (TUF §5.3.4, §5.3.5). */
export function acceptNextRoot(current: Accepted<Root>, bytes: Uint8Array): Accepted<Root> {
  const envelope = open(bytes, 'root');
  demandThreshold(envelope, current.said.roles.root, 'root', `version ${current.said.version}’s`);
  const next = acceptFirstRoot(bytes);
  demandMediator(next.said, current.said, 'root');
  if (next.said.version !== current.said.version + 1)
    throw new RuleFault(
      'version',
      `The root after version ${current.said.version} says that it is version ${next.said.version}.`,
    );
  return next;
}

/** A document counts until it expires (TUF §5.3.10, §5.4.4, §5.6.6). */
export function demandFresh({ expiresMs }: Head, role: Role, nowMs: number): void {
  if (nowMs > expiresMs) throw new RuleFault('expired', `The ${role} expired on ${day(expiresMs)}.`);
}

/** Nothing is taken that was issued more than a day from now: our clock is wrong, or theirs. */
export function demandNotAhead({ issuedMs }: Head, role: Role, nowMs: number): void {
  if (issuedMs > nowMs + MAX_AHEAD_MS)
    throw new RuleFault('future', `The ${role} was issued on ${day(issuedMs)}, which is yet to come.`);
}

/**
 * What is current, as far as the root's pointer keys say (TUF §5.4).
 *
 * @param seen  the one that was accepted last; null when none was, or when the keys have changed since
 */
export function acceptPointer(
  root: Root,
  bytes: Uint8Array,
  seen: Accepted<Pointer> | null,
): Accepted<Pointer> {
  const envelope = open(bytes, 'pointer');
  demandThreshold(envelope, root.roles.pointer, 'pointer', 'the root’s');
  const said = reading('pointer', () => readPointer(envelope.payload));
  demandMediator(said, root, 'pointer');
  demandNoRollback(said, envelope, seen, 'pointer');
  if (seen && said.list.version < seen.said.list.version)
    throw new RuleFault(
      'rollback',
      `The pointer goes back to list ${said.list.version}; list ${seen.said.list.version} was seen already.`,
    );
  return { bytes, said };
}

/** The list that the pointer names, signed by the list keys (TUF §5.5, §5.6 in one). */
export function acceptList(
  root: Root,
  pointer: Pointer,
  bytes: Uint8Array,
  seen: Accepted<ListStatement> | null,
): Accepted<ListStatement> {
  demandDigest(bytes, pointer.list, 'list');
  const envelope = open(bytes, 'list');
  demandThreshold(envelope, root.roles.list, 'list', 'the root’s');
  const said = reading('list', () => readListStatement(envelope.payload));
  demandMediator(said, root, 'list');
  if (said.version !== pointer.list.version)
    throw new RuleFault(
      'version',
      `The pointer names list ${pointer.list.version}, and it is ${said.version}.`,
    );
  demandNoRollback(said, envelope, seen, 'list');
  return { bytes, said };
}

/** A file is the one whose digest was signed: not another, not more, not less. */
export function demandDigest(
  bytes: Uint8Array,
  { sha256: wanted, lengthBytes }: { readonly sha256: string; readonly lengthBytes: number },
  what: string,
): void {
  if (bytes.length !== lengthBytes)
    throw new RuleFault('digest', `The ${what} has ${bytes.length} bytes instead of ${lengthBytes}.`);
  if (sha256(bytes) !== wanted)
    throw new RuleFault('digest', `The ${what} is not the one that was signed: its digest differs.`);
}

function open(bytes: Uint8Array, role: Role): Envelope {
  const envelope = reading(role, () => readEnvelope(bytes));
  if (envelope.type !== TYPES[role])
    throw new RuleFault('form', `The ${role} is a document of another type: ${envelope.type}.`);
  return envelope;
}

function reading<T>(role: Role, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof DocumentFault)
      throw new RuleFault('form', `The ${role} cannot be read: ${error.message}.`);
    throw error;
  }
}

function demandThreshold(envelope: Envelope, { threshold, keys }: RoleKeys, role: Role, whose: string): void {
  const signers = signersOf(envelope, keys);
  if (signers.length >= threshold) return;
  const found = signers.length === 0 ? 'none' : String(signers.length);
  throw new RuleFault(
    'signature',
    `The ${role} needs ${threshold} of ${whose} ${keys.length} ${keys.length === 1 ? 'key' : 'keys'}, and ${found} signed it.`,
  );
}

/** Two mediators never stand in for each other, whoever shares a key. */
function demandMediator(document: Head, root: Head, role: Role): void {
  if (document.mediator !== root.mediator)
    throw new RuleFault('mediator', `The ${role} is of ${document.mediator}, not of ${root.mediator}.`);
}

/** Versions never fall, and one version has one content (signatures may be added to it). */
function demandNoRollback(said: Head, { payload }: Envelope, seen: Accepted<Head> | null, role: Role): void {
  if (seen === null) return;
  if (said.version < seen.said.version)
    throw new RuleFault(
      'rollback',
      `The ${role} is version ${said.version}; version ${seen.said.version} was seen already.`,
    );
  if (said.version === seen.said.version && !readEnvelope(seen.bytes).payload.equals(payload))
    throw new RuleFault(
      'equivocation',
      `Version ${said.version} of the ${role} was seen with other content.`,
    );
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
