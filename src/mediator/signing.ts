import type { KeyObject } from 'node:crypto';
import {
  type ListStatement,
  listPayload,
  type Pointer,
  pointerPayload,
  type Role,
  type RoleKeys,
  type Root,
  rootPayload,
  TYPES,
} from '../registry/documents.ts';
import { type Envelope, signEnvelope, signersOf } from '../registry/envelope.ts';
import { publicHalf, sha256 } from '../registry/keys.ts';
import type { Accepted } from '../registry/rules.ts';
import { listDocument } from './document.ts';
import { headOf, type Journal } from './journal.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** How long signed documents are good for. MD-7: a revocation is known to all within the life of a pointer. */
export const LIFE_MS = { root: 365 * DAY_MS, list: 30 * DAY_MS, pointer: DAY_MS } as const;

/** A list is signed anew when less than this is left of it. */
const RENEW_LIST_MS = LIFE_MS.list / 2;

/** Something to sign: not signed by anybody yet. */
export function unsigned(role: Role, payload: Buffer): Envelope {
  return { type: TYPES[role], payload, signatures: [] };
}

/** Sign with those of these keys that are in office. */
export function signWith(envelope: Envelope, { keys }: RoleKeys, own: readonly KeyObject[]): Envelope {
  const ids = new Set(keys.map(({ id }) => id));
  return own.filter((key) => ids.has(publicHalf(key).id)).reduce(signEnvelope, envelope);
}

/** How many signatures are missing. */
export function missingSignatures(envelope: Envelope, { keys, threshold }: RoleKeys): number {
  return Math.max(0, threshold - signersOf(envelope, keys).length);
}

/** The next list: its bytes, and the statement about them, to be signed. */
export function prepareList(
  journal: Journal,
  { mediator }: Root,
  nowMs: number,
): { readonly document: Buffer; readonly statement: ListStatement; readonly envelope: Envelope } {
  const issuedMs = Math.floor(nowMs / 1000) * 1000;
  const head = { version: journal.ledger.list + 1, issuedMs, expiresMs: issuedMs + LIFE_MS.list };
  const document = listDocument(journal.ledger, head);
  const digest = { sha256: sha256(document), lengthBytes: document.length };
  const { openSignup } = journal.ledger;
  const statement = { mediator, ...head, document: digest, openSignup, journal: headOf(journal) };
  return { document, statement, envelope: unsigned('list', listPayload(statement)) };
}

/** The next pointer, to a signed list. */
export function preparePointer(
  version: number,
  { mediator, version: rootVersion }: Root,
  list: Accepted<ListStatement>,
  nowMs: number,
): { readonly pointer: Pointer; readonly envelope: Envelope } {
  const issuedMs = Math.floor(nowMs / 1000) * 1000;
  const pointer = {
    mediator,
    version,
    issuedMs,
    expiresMs: issuedMs + LIFE_MS.pointer,
    rootVersion,
    list: { version: list.said.version, sha256: sha256(list.bytes), lengthBytes: list.bytes.length },
  };
  return { pointer, envelope: unsigned('pointer', pointerPayload(pointer)) };
}

/**
 * Whether the list has to be made anew: something was done since, or it ends soon. What only concerns the signing itself
 * changes no list.
 */
export function needsNewList(journal: Journal, signed: ListStatement | null, nowMs: number): boolean {
  if (signed === null || signed.expiresMs - nowMs < RENEW_LIST_MS) return true;
  const since = journal.deeds.slice(signed.journal?.lines ?? 0);
  return since.some(({ act }) => !['sign', 'rotate', 'challenge'].includes(act.kind));
}

/** A root, to be signed by its own keys and by those before. */
export function prepareRoot(root: Root): Envelope {
  return unsigned('root', rootPayload(root));
}
