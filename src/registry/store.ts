import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, ExitCode } from '../errors.ts';
import { DocumentFault, Place, parseStrictJson } from '../trust/json.ts';
import { MAX_NAME_FILE_BYTES, type NameFile, openNameFile } from '../trust/name-file.ts';
import type { Registry } from '../trust/registry.ts';
import { canonicalJson } from './canonical.ts';
import { type FileDigest, instant } from './documents.ts';
import { base64 } from './envelope.ts';
import { privateFolder, readIfThere, replaceFile } from './files.ts';
import { buildIndex, openIndex } from './index-file.ts';
import { sha256 } from './keys.ts';
import type { LogoShelf } from './logos.ts';
import { demandDigest, RuleFault } from './rules.ts';
import { type Holding, holdingFrom, registryOf } from './update.ts';

/** Where lists are kept: what must not be lost, and what can be had again. */
export type StoreFolders = { readonly state: string; readonly cache: string };

/** Does something while it holds a lock of that name. */
export type Locker = <T>(file: string, work: () => Promise<T>) => Promise<T>;

/** One mediator as it is kept. */
export type Kept = {
  readonly holding: Holding;
  /** Where updates come from: `https://…/` or a folder. */
  readonly source: string;
  /** When an update last went through, milliseconds since the epoch; null when none did. */
  readonly syncedMs: number | null;
  /** Digest of the index beside the list; null without one. */
  readonly index: string | null;
};

/** A list as it holds for a reader: its times are those of all that it hangs on, and it says how long it is. */
export type KeptRegistry = Registry & { readonly entryCount: number };

/** What an update has fetched; null for what is there already. */
export type NewFiles = { readonly document: Uint8Array | null; readonly openSignup: Uint8Array | null };

/** The lists of all mediators that this reader follows. */
export type TrustStore = {
  /** Ids of the mediators, sorted. */
  mediators(): readonly string[];
  /** @throws {AppError} E_STATE when what is kept does not verify */
  read(mediator: string): Kept | null;
  /** The list itself, verified; null when it has to be fetched again. */
  list(kept: Kept): KeptRegistry | null;
  /** Its open-signup domains, verified; null when it has none, or when they have to be fetched again. */
  openSignup(kept: Kept): NameFile | null;
  /**
   * Keep a holding, with the files that are new. They come first, so that what the state names is always there.
   *
   * @returns what is kept now
   */
  write(kept: Kept, files: NewFiles): Kept;
  /** Logos of all lists; they are verified again when they are shown. */
  readonly logos: LogoShelf & { readonly folder: string };
  /** Run alone: two updates at once could let the older one win. */
  alone<T>(work: () => Promise<T>): Promise<T>;
};

/** Beside the folders of mediators, whose names begin with a letter or digit. */
const LOGOS = '.logos';
const FORMAT = 'postern-trust/1';
const MAX_STATE_BYTES = 4 * 1024 * 1024;
/** A list, or its index, which is smaller. */
const MAX_INDEX_BYTES = 128 * 1024 * 1024;
const STATE_FILE = /^([A-Za-z0-9][A-Za-z0-9._-]*)\.json$/;

/** Open the store; folders are made when something is written. */
export function openTrustStore({ state, cache }: StoreFolders, lock: Locker): TrustStore {
  const stateFile = (mediator: string) => join(state, `${mediator}.json`);
  const folderOf = (mediator: string) => join(cache, mediator);
  return {
    mediators: () =>
      namesIn(state)
        .flatMap((name) => STATE_FILE.exec(name)?.[1] ?? [])
        .sort(),
    read(mediator) {
      const bytes = readIfThere(stateFile(mediator), MAX_STATE_BYTES);
      return bytes === null ? null : readKept(bytes, mediator, stateFile(mediator));
    },
    list: (kept) =>
      readList(kept, (name) => readIfThere(join(folderOf(mediatorOf(kept)), name), MAX_INDEX_BYTES)),
    openSignup(kept) {
      const named = kept.holding.list?.said.openSignup ?? null;
      return named && readOpenSignup(named, join(folderOf(mediatorOf(kept)), `${named.sha256}.names`));
    },
    write(kept, { document, openSignup }) {
      const folder = folderOf(mediatorOf(kept));
      const said = kept.holding.list?.said ?? null;
      const current = said?.document.sha256 ?? null;
      const names = said?.openSignup?.sha256 ?? null;
      privateFolder(state);
      privateFolder(folder);
      let { index } = kept;
      if (document !== null && current !== null) {
        const bytes = buildIndex(document);
        index = sha256(bytes);
        replaceFile(join(folder, `${current}.json`), document);
        replaceFile(join(folder, `${current}.index`), bytes);
      }
      if (openSignup !== null && names !== null) replaceFile(join(folder, `${names}.names`), openSignup);
      const after = { ...kept, index };
      replaceFile(stateFile(mediatorOf(kept)), writeKept(after));
      forgetOthers(folder, [current, names]);
      return after;
    },
    logos: logoShelf(join(cache, LOGOS)),
    async alone(work) {
      privateFolder(state);
      return await lock(join(state, 'lock'), work);
    },
  };
}

function logoShelf(folder: string): TrustStore['logos'] {
  return {
    folder,
    has: (name) => existsSync(join(folder, name)),
    keep(name, bytes) {
      privateFolder(folder);
      replaceFile(join(folder, name), bytes);
    },
    retain(names) {
      for (const name of namesIn(folder)) if (!names.has(name)) rmSync(join(folder, name), { force: true });
    },
  };
}

function mediatorOf({ holding }: Kept): string {
  return holding.root.said.mediator;
}

/** The list by its index, or without: slower, and the same. */
function readList(kept: Kept, read: (name: string) => Buffer | null): KeptRegistry | null {
  const { root, pointer, list, clockMs } = kept.holding;
  if (list === null || pointer === null) return null;
  const document = read(`${list.said.document.sha256}.json`);
  if (document === null) return null;
  try {
    demandDigest(document, list.said.document, 'list of domains');
    const index = kept.index === null ? null : read(`${list.said.document.sha256}.index`);
    const whole = index !== null && sha256(index) === kept.index;
    const indexed = whole ? openIndex(document, index, root.said.mediator) : null;
    const ends = [root, pointer, list].map(({ said }) => said.expiresMs);
    const times = { version: list.said.version, issuedMs: clockMs, expiresMs: Math.min(...ends) };
    if (indexed !== null) return Object.assign(indexed, times);
    const registry = registryOf(list.said, document);
    return { ...registry, ...times, entryCount: registry.entries.length };
  } catch (error) {
    if (error instanceof RuleFault) return null;
    throw error;
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Lists of other days, and what runs that were killed have left. */
function forgetOthers(folder: string, current: readonly (string | null)[]): void {
  for (const name of namesIn(folder))
    if (!current.some((digest) => digest !== null && name.startsWith(digest)))
      rmSync(join(folder, name), { force: true });
}

function readOpenSignup(named: FileDigest, file: string): NameFile | null {
  const bytes = readIfThere(file, MAX_NAME_FILE_BYTES);
  if (bytes === null) return null;
  try {
    demandDigest(bytes, named, 'list of open sign-up');
    return openNameFile(bytes);
  } catch (error) {
    if (error instanceof RuleFault || error instanceof DocumentFault) return null;
    throw error;
  }
}

function writeKept({ holding: { root, pointer, list, clockMs }, source, syncedMs, index }: Kept): string {
  const encode = (bytes: Uint8Array | undefined) =>
    bytes === undefined ? undefined : Buffer.from(bytes).toString('base64');
  return `${canonicalJson({
    format: FORMAT,
    source,
    clock: instant(clockMs),
    synced: syncedMs === null ? undefined : instant(syncedMs),
    root: encode(root.bytes),
    pointer: encode(pointer?.bytes),
    list: encode(list?.bytes),
    index: index ?? undefined,
  })}\n`;
}

function readKept(bytes: Uint8Array, mediator: string, file: string): Kept {
  try {
    const place = new Place(parseStrictJson(bytes, { maxBytes: MAX_STATE_BYTES, maxDepth: 2 }));
    if (place.get('format').value !== FORMAT) place.get('format').fail(`is not ${FORMAT}`);
    const signed = (name: string) => place.get(name).or(null, (each) => base64(each, MAX_STATE_BYTES));
    const holding = holdingFrom({
      root: base64(place.get('root'), MAX_STATE_BYTES),
      pointer: signed('pointer'),
      list: signed('list'),
      clockMs: place.get('clock').time(),
    });
    if (holding.root.said.mediator !== mediator)
      throw new RuleFault('mediator', `It is of ${holding.root.said.mediator}.`);
    return {
      holding,
      source: place.get('source').string({ max: 4096 }),
      syncedMs: place.get('synced').or(null, (each) => each.time()),
      index: place.get('index').or(null, (each) => each.string({ of: /^[0-9a-f]{64}$/ })),
    };
  } catch (error) {
    if (!(error instanceof DocumentFault || error instanceof RuleFault)) throw error;
    throw new AppError(`What is kept of ${mediator} cannot be used: ${error.message}`, {
      code: 'E_STATE',
      exit: ExitCode.input,
      hint: `Remove '${file}', then name the root again: postern trust sync SOURCE --root FILE.`,
      cause: error,
    });
  }
}
