import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readIfThere } from '../registry/files.ts';

/** What extensions need; neither logins nor cookies nor what was visited. */
const PARTS = [
  'extensions',
  'extension-preferences.json',
  'extension-settings.json',
  'browser-extension-data',
  'prefs.js',
  'compatibility.ini',
];

/** Nothing leaves this machine, and the clock of a page is exact. */
const SETTINGS = {
  'app.normandy.enabled': false,
  'app.update.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'dom.ipc.reportProcessHangs': false,
  'dom.max_script_run_time': 0,
  'extensions.autoDisableScopes': 0,
  'extensions.update.enabled': false,
  'network.proxy.type': 1,
  'network.proxy.http': '127.0.0.1',
  'network.proxy.http_port': 9,
  'network.proxy.ssl': '127.0.0.1',
  'network.proxy.ssl_port': 9,
  'privacy.reduceTimerPrecision': false,
  'browser.startup.page': 0,
  'services.settings.server': 'data:,',
  'toolkit.startup.max_resumed_crashes': -1,
};

/** The list of extensions holds paths of the folder it lies in. */
function moveList(folder: string, copy: string): void {
  const list = readIfThere(join(folder, 'extensions.json'), 64_000_000)?.toString('utf8');
  if (list === undefined) return;
  const inJson = (path: string) => JSON.stringify(path).slice(1, -1);
  const moved = list
    .replaceAll(pathToFileURL(folder).href, pathToFileURL(copy).href)
    .replaceAll(inJson(folder), inJson(copy));
  writeFileSync(join(copy, 'extensions.json'), moved, { mode: 0o600 });
}

/** Data that extensions have stored. */
function storedData(folder: string): readonly string[] {
  const stored = join(folder, 'storage', 'default');
  if (!existsSync(stored)) return [];
  return readdirSync(stored)
    .filter((name) => name.startsWith('moz-extension+++'))
    .map((name) => join('storage', 'default', name));
}

/** A copy of what extensions need of a profile, for its owner only; `remove` takes it away again. */
export function copyProfile(folder: string): { readonly folder: string; readonly remove: () => void } {
  const copy = mkdtempSync(join(tmpdir(), 'postern-profile-'));
  const remove = () => rmSync(copy, { recursive: true, force: true, maxRetries: 5 });
  try {
    for (const part of [...PARTS, ...storedData(folder)])
      if (existsSync(join(folder, part))) cpSync(join(folder, part), join(copy, part), { recursive: true });
    moveList(folder, copy);
    const lines = Object.entries(SETTINGS).map(
      ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
    );
    writeFileSync(join(copy, 'user.js'), lines.join(''));
    return { folder: copy, remove };
  } catch (error) {
    remove();
    throw error;
  }
}
