import type { KeyObject } from 'node:crypto';
import { canonicalJson, type Json } from '../../src/registry/canonical.ts';
import {
  instant,
  type ListStatement,
  listPayload,
  type Pointer,
  pointerPayload,
  type Role,
  type RoleKeys,
  type Root,
  rootPayload,
  TYPES,
} from '../../src/registry/documents.ts';
import { type Envelope, signEnvelope, writeEnvelope } from '../../src/registry/envelope.ts';
import { makeSigningKey, publicHalf, sha256 } from '../../src/registry/keys.ts';
import type { Source } from '../../src/registry/update.ts';
import { entryDocument, NOW } from './trust.ts';

export const DAY_MS = 86_400_000;

/** The keys that somebody signs with, by role. */
export type Ring = Readonly<Record<Role, readonly KeyObject[]>>;

export function ring(changes: Partial<Ring> = {}): Ring {
  return { root: [makeSigningKey()], list: [makeSigningKey()], pointer: [makeSigningKey()], ...changes };
}

export function roleKeys(keys: readonly KeyObject[], threshold = 1): RoleKeys {
  return { threshold, keys: keys.map(publicHalf) };
}

/** Bytes of a document, signed by these keys. */
export function sealed(role: Role, payload: Buffer, keys: readonly KeyObject[]): Buffer {
  const bare: Envelope = { type: TYPES[role], payload, signatures: [] };
  return writeEnvelope(keys.reduce<Envelope>(signEnvelope, bare));
}

export function rootDocument(keys: Ring, changes: Partial<Root> = {}): Root {
  return {
    mediator: 'mediator.example',
    name: 'Example Mediator',
    version: 1,
    issuedMs: NOW - 30 * DAY_MS,
    expiresMs: NOW + 335 * DAY_MS,
    roles: { root: roleKeys(keys.root), list: roleKeys(keys.list), pointer: roleKeys(keys.pointer) },
    ...changes,
  };
}

export type Publication = {
  readonly keys: Ring;
  readonly root?: Partial<Root>;
  readonly list?: Partial<ListStatement>;
  readonly pointer?: Partial<Pointer>;
  readonly entries?: readonly object[];
  /** Domains of open sign-up. */
  readonly names?: Buffer;
  /** Of the day: version of list and pointer. */
  readonly version?: number;
  readonly nowMs?: number;
};

/** Files as a mediator publishes them on a day, each of which a test may replace by what an attacker would serve. */
export function publication(given: Publication): Map<string, Buffer> {
  const { keys, entries = [entryDocument()], version = 1, nowMs = NOW } = given;
  const root = rootDocument(keys, given.root);
  const head = { mediator: 'mediator.example', version, issuedMs: nowMs - 3_600_000 };
  const times = { ...head, expiresMs: nowMs + 30 * DAY_MS, ...given.list };
  const registry = Buffer.from(
    canonicalJson({
      format: 'trusted-domains/1',
      mediator: { id: times.mediator, name: root.name },
      version: times.version,
      issued: instant(times.issuedMs),
      expires: instant(times.expiresMs),
      entries: entries as unknown as Json[],
    }),
  );
  const document = { sha256: sha256(registry), lengthBytes: registry.length };
  const openSignup =
    given.names === undefined ? null : { sha256: sha256(given.names), lengthBytes: given.names.length };
  const statement = { document, openSignup, journal: null, ...times };
  const list = sealed('list', listPayload(statement), keys.list);
  const pointer = {
    ...head,
    expiresMs: nowMs + DAY_MS,
    rootVersion: root.version,
    list: { version: statement.version, sha256: sha256(list), lengthBytes: list.length },
    ...given.pointer,
  };
  return new Map([
    [`${root.version}.root.json`, sealed('root', rootPayload(root), keys.root)],
    [`${statement.version}.list.json`, list],
    ['pointer.json', sealed('pointer', pointerPayload(pointer), keys.pointer)],
    [`lists/${statement.document.sha256}.json`, registry],
    ...(given.names ? [[`lists/${openSignup?.sha256}.names`, given.names] as const] : []),
  ]);
}

/** Serves files from memory; what is larger than asked for is cut, as a web server cannot be trusted to stop. */
export function memorySource(files: ReadonlyMap<string, Buffer>): Source & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    async read(name) {
      asked.push(name);
      return files.get(name) ?? null;
    },
  };
}
