import { gunzipSync, gzipSync } from 'node:zlib';
import { AppError, ExitCode } from '../errors.ts';
import type { Firefox } from './firefox.ts';
import { emptyEntry } from './passwords/entry.ts';
import { compareWith, importInto } from './passwords/firefox.ts';
import type { Decision, Login } from './passwords/plan.ts';

/** What a backup holds. */
export type Vault = {
  readonly version: 1;
  readonly time: string;
  readonly host: string;
  readonly logins: readonly Login[];
  readonly bookmarks: readonly {
    readonly title: string;
    readonly url: string;
    readonly path: readonly string[];
  }[];
  readonly extensions: readonly { readonly id: string; readonly name: string }[];
};

/** Largest backup, in bytes, unpacked. */
const MAX_BYTES = 256_000_000;

const COLLECT = `
  const { LoginHelper } = ChromeUtils.importESModule("resource://gre/modules/LoginHelper.sys.mjs");
  if (LoginHelper.isPrimaryPasswordSet()) return null;
  const { AddonManager } = ChromeUtils.importESModule("resource://gre/modules/AddonManager.sys.mjs");
  const { PlacesUtils } = ChromeUtils.importESModule("resource://gre/modules/PlacesUtils.sys.mjs");
  const logins = (await Services.logins.getAllLogins())
    .filter((login) => login.httpRealm === null)
    .map(({ origin, username, password }) => ({ origin, username, password }));
  const bookmarks = [];
  const walk = (node, path) => {
    if (node.uri && !node.uri.startsWith("place:")) bookmarks.push({ title: node.title ?? "", url: node.uri, path });
    for (const child of node.children ?? []) walk(child, node.title ? [...path, node.title] : path);
  };
  walk(await PlacesUtils.promiseBookmarksTree(), []);
  const all = await AddonManager.getAddonsByTypes(["extension"]);
  const extensions = all.filter((each) => !each.isBuiltin && !each.isSystem).map(({ id, name }) => ({ id, name }));
  return { logins, bookmarks, extensions };`;

/**
 * Everything that a backup of a profile holds.
 *
 * @throws {AppError} E_PRIMARY_PASSWORD, exit 77
 */
export async function collect(firefox: Firefox, host: string, nowMs: number): Promise<Vault> {
  const found = (await firefox.chrome(COLLECT)) as Pick<Vault, 'logins' | 'bookmarks' | 'extensions'> | null;
  if (found) return { version: 1, time: new Date(nowMs).toISOString(), host, ...found };
  throw new AppError('The logins of this profile are protected by a primary password.', {
    code: 'E_PRIMARY_PASSWORD',
    exit: ExitCode.noPermission,
    hint: 'Firefox gives them to nobody but its user. Firefox Sync carries them, end-to-end encrypted.',
  });
}

/** The bytes of a backup, before they are encrypted. */
export const packVault = (vault: Vault): Uint8Array => gzipSync(JSON.stringify(vault));

/**
 * A backup from its bytes.
 *
 * @throws {AppError} E_BACKUP, exit 65, when they are none
 */
export function unpackVault(bytes: Uint8Array): Vault {
  try {
    const vault = JSON.parse(gunzipSync(bytes, { maxOutputLength: MAX_BYTES }).toString('utf8')) as Vault;
    const lists = [vault.logins, vault.bookmarks, vault.extensions];
    if (vault.version === 1 && lists.every(Array.isArray)) return vault;
  } catch {
    // Told below, without a word of what is in it.
  }
  throw new AppError('This is no backup of a browser.', {
    code: 'E_BACKUP',
    exit: ExitCode.input,
    hint: '"postern browser backup list" shows what there is.',
  });
}

/** What a restore adds to a profile, and what it leaves. */
export type Merge = {
  readonly decisions: readonly Decision[];
  readonly bookmarks: Vault['bookmarks'];
  readonly extensions: Vault['extensions'];
};

const MISSING = `
  const { AddonManager } = ChromeUtils.importESModule("resource://gre/modules/AddonManager.sys.mjs");
  const { PlacesUtils } = ChromeUtils.importESModule("resource://gre/modules/PlacesUtils.sys.mjs");
  const [urls, ids] = args;
  const bookmarks = [];
  for (const [index, url] of urls.entries())
    if (URL.canParse(url) && !(await PlacesUtils.bookmarks.fetch({ url }))) bookmarks.push(index);
  const extensions = [];
  for (const [index, id] of ids.entries()) if (!(await AddonManager.getAddonByID(id))) extensions.push(index);
  return { bookmarks, extensions };`;

/** Compare a backup with a profile. */
export async function compareVault(firefox: Firefox, vault: Vault): Promise<Merge> {
  const decisions = vault.logins.map(
    ({ origin, username, password }, index): Decision => ({
      entry: { ...emptyEntry(index + 1), username, password },
      origin,
      outcome: 'import',
      reason: null,
      remarks: [],
    }),
  );
  const urls = vault.bookmarks.map(({ url }) => url);
  const ids = vault.extensions.map(({ id }) => id);
  const missing = (await firefox.chrome(MISSING, urls, ids)) as Record<
    'bookmarks' | 'extensions',
    readonly number[]
  >;
  return {
    decisions: await compareWith(firefox, decisions),
    bookmarks: vault.bookmarks.filter((_, index) => missing.bookmarks.includes(index)),
    extensions: vault.extensions.filter((_, index) => missing.extensions.includes(index)),
  };
}

/** In one folder, so that they are found, and can be thrown away. */
const BOOKMARK = `
  const { PlacesUtils } = ChromeUtils.importESModule("resource://gre/modules/PlacesUtils.sys.mjs");
  const [folder, children] = args;
  const { guid } = await PlacesUtils.bookmarks.insert({
    parentGuid: PlacesUtils.bookmarks.menuGuid, title: folder, type: PlacesUtils.bookmarks.TYPE_FOLDER });
  for (const { title, url } of children) await PlacesUtils.bookmarks.insert({ parentGuid: guid, title, url });`;

/** Add what is missing; nothing that is there is changed. */
export async function mergeVault(
  firefox: Firefox,
  { decisions, bookmarks }: Merge,
  folder: string,
): Promise<void> {
  await importInto(firefox, decisions);
  if (bookmarks.length > 0) await firefox.chrome(BOOKMARK, folder, bookmarks);
}
