import { LIFE_MS, preparePointer } from '../mediator/signing.ts';
import { canonicalJson, type Json } from '../registry/canonical.ts';
import { instant, listPayload, type Root, rootPayload, TYPES } from '../registry/documents.ts';
import { signEnvelope, writeEnvelope } from '../registry/envelope.ts';
import { makeSigningKey, publicHalf, sha256 } from '../registry/keys.ts';
import { firstHolding, type Holding, registryOf, update } from '../registry/update.ts';
import type { Registry } from '../trust/registry.ts';

/** A mediator of the story, who publishes, and a reader who follows. */
export type StoryMediator = {
  /** Sign a list with these entries and publish it. */
  publish(entries: readonly object[]): void;
  /** What the reader has after fetching and verifying. */
  sync(): Promise<{ readonly version: number; readonly registry: Registry }>;
};

/** Keys, a root that the reader got by hand, and a place of publication in memory. */
export function storyMediator(id: string, name: string, nowMs: number): StoryMediator {
  const key = makeSigningKey();
  const office = { threshold: 1, keys: [publicHalf(key)] };
  const issuedMs = Math.floor(nowMs / 1000) * 1000;
  const roles = { root: office, list: office, pointer: office };
  const root: Root = { mediator: id, name, version: 1, issuedMs, expiresMs: issuedMs + LIFE_MS.root, roles };
  const seal = (role: keyof typeof TYPES, payload: Buffer) =>
    writeEnvelope(signEnvelope({ type: TYPES[role], payload, signatures: [] }, key));
  const files = new Map<string, Uint8Array>();
  let version = 0;
  let document: Uint8Array = new Uint8Array();
  let holding: Holding = firstHolding(seal('root', rootPayload(root)));
  return {
    publish(entries) {
      version += 1;
      const head = { version, issuedMs, expiresMs: issuedMs + LIFE_MS.list };
      const list = Buffer.from(
        canonicalJson({
          format: 'trusted-domains/1',
          mediator: { id, name },
          version,
          issued: instant(issuedMs),
          expires: instant(head.expiresMs),
          entries: entries as readonly Json[],
        }),
      );
      const digest = { sha256: sha256(list), lengthBytes: list.length };
      const said = { mediator: id, ...head, document: digest, openSignup: null, journal: null };
      const bytes = seal('list', listPayload(said));
      const { envelope } = preparePointer(version, root, { bytes, said }, nowMs);
      files.set(`lists/${digest.sha256}.json`, list);
      files.set(`${version}.list.json`, bytes);
      files.set('pointer.json', writeEnvelope(signEnvelope(envelope, key)));
    },
    async sync() {
      const source = { read: async (file: string) => files.get(file) ?? null };
      const updated = await update(holding, source, { nowMs, have: new Set() });
      if (updated.fault !== null) throw updated.fault;
      holding = updated.holding;
      document = updated.document ?? document;
      const { list } = holding;
      if (list === null) throw new Error('nothing was published');
      return { version: list.said.version, registry: registryOf(list.said, document) };
    },
  };
}
