import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { TrustStore } from '../registry/store.ts';
import type { Reason } from '../trust/facts.ts';
import { type Knowledge, knowledge } from '../trust/knowledge.ts';
import { openNameFile } from '../trust/name-file.ts';
import { type OpenSignup, openSignup, type PublishedNames } from '../trust/open-signup.ts';
import {
  isOverridesDocument,
  NO_OVERRIDES,
  type OverridesDocument,
  readOverrides,
} from '../trust/overrides.ts';
import { type Registry, readRegistry } from '../trust/registry.ts';
import { readWhole } from './input.ts';
import { localFile, trustStore } from './trust-store.ts';

/** Largest document, in bytes; a registry is limited by its own reader as well. */
const MAX_DOCUMENT = 64 * 1024 * 1024;

/**
 * Read what is known about senders: the list that `--registry` names, or the local decisions with the list
 * that they name; without `--registry` the lists that `trust sync` keeps, with the decisions of `trust override`. And
 * the open-signup domains that ship with the package.
 *
 * @param file     a registry document or a document of overrides; undefined when none was given
 * @param root     folder of the package
 * @param graceMs  how long a synchronised list counts after it has expired
 * @throws AppError E_REGISTRY or E_INPUT (exit 65) when a document cannot be used, E_STATE when what is kept cannot
 */
export async function openKnowledge(file: string | undefined, root: string, graceMs = 0): Promise<Knowledge> {
  const nameFiles = [shippedNames(root)];
  if (file === undefined) return await keptKnowledge(nameFiles, graceMs);
  const bytes = await readWhole(file, MAX_DOCUMENT);
  if (!isOverridesDocument(bytes)) return knowledge({ nameFiles, registries: [readRegistry(bytes, file)] });
  const document = readOverrides(bytes, file);
  const registries = await registriesBeside(document, file);
  return knowledge({ nameFiles, registries, overrides: document.overrides, remarks: writableByAll(file) });
}

/**
 * Where the files lie that the list of `--registry` names, such as logos: the folder of the list.
 *
 * @returns null where no list was given
 */
export async function folderOfList(file: string | undefined): Promise<string | null> {
  if (file === undefined || file === '-') return null;
  const bytes = await readWhole(file, MAX_DOCUMENT);
  if (!isOverridesDocument(bytes)) return dirname(file);
  const { registry } = readOverrides(bytes, file);
  return registry === null ? null : dirname(resolve(dirname(file), registry));
}

async function registriesBeside({ registry }: OverridesDocument, file: string): Promise<Registry[]> {
  if (registry === null) return [];
  const beside = resolve(dirname(file), registry);
  return [readRegistry(await readWhole(beside, MAX_DOCUMENT), beside)];
}

/** What `trust sync` and `trust override` keep. */
async function keptKnowledge(shipped: readonly PublishedNames[], graceMs: number): Promise<Knowledge> {
  const { registries, unavailable, names } = keptRegistries(trustStore(), graceMs);
  const nameFiles = [...shipped, ...names];
  const file = localFile();
  if (!existsSync(file)) return knowledge({ nameFiles, registries, unavailable });
  const document = readOverrides(await readWhole(file, MAX_DOCUMENT), file);
  const { overrides } = document;
  const all = [...registries, ...(await registriesBeside(document, file))];
  return knowledge({ nameFiles, registries: all, unavailable, overrides, remarks: writableByAll(file) });
}

/**
 * Every list that is kept. It counts until its pointer expires, so that somebody who keeps us from hearing of a
 * revocation gains a day.
 */
function keptRegistries(store: TrustStore, graceMs: number) {
  const registries: Registry[] = [];
  const unavailable: string[] = [];
  const names: PublishedNames[] = [];
  for (const mediator of store.mediators()) {
    const kept = store.read(mediator);
    const registry = kept === null ? null : store.list(kept);
    if (registry === null) unavailable.push(mediator);
    else registries.push(Object.assign(registry, { expiresMs: registry.expiresMs + graceMs }));
    // However old they are: they only say who cannot be trusted.
    const file = kept === null ? null : store.openSignup(kept);
    if (file !== null) names.push({ mediator, file });
  }
  return { registries, unavailable, names };
}

/** The open-signup domains that ship with the package and those of a mediator, without local decisions. */
export function openSignupOf(root: string, published: PublishedNames | null): OpenSignup {
  return openSignup([shippedNames(root), ...(published === null ? [] : [published])], NO_OVERRIDES);
}

/** Whoever may write local decisions decides whom we trust. */
function writableByAll(file: string): readonly Reason[] {
  if (file === '-' || (statSync(file).mode & 0o002) === 0) return [];
  const text = `Everybody on this machine may write the local list '${file}'; "chmod o-w" ends that.`;
  return [{ code: 'local.world-writable', severity: 'warn', text, evidence: { source: 'local' } }];
}

function shippedNames(root: string): PublishedNames {
  return { mediator: null, file: openNameFile(readFileSync(join(root, 'data', 'open-signup.txt'))) };
}
