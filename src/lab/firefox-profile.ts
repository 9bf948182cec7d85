import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { zipOf } from './zip.ts';

/** The id that RoboForm has. */
export const ROBOFORM_ID = 'rf-firefox@siber.com';

/** An extension for practice. */
export type PracticeExtension = {
  readonly id: string;
  readonly name: string;
  /** How long it holds up a page for each of its form fields, in milliseconds, once the page has appeared. */
  readonly stallMsPerField: number;
};

/** What such an extension does to a page: as the real one, it looks at each field after the page has appeared. */
function contentScript(stallMsPerField: number): string {
  return `setTimeout(() => {
  const fields = document.querySelectorAll('input, select, textarea').length;
  const until = performance.now() + fields * ${stallMsPerField};
  while (performance.now() < until);
  document.documentElement.dataset.seen = String(fields);
}, 100);`;
}

function archiveOf({ id, name, stallMsPerField }: PracticeExtension): Buffer {
  const manifest = {
    manifest_version: 2,
    name,
    version: '9.9',
    author: 'Practice',
    browser_specific_settings: { gecko: { id } },
    content_scripts: [{ matches: ['<all_urls>'], js: ['content.js'], run_at: 'document_idle' }],
  };
  return zipOf({ 'manifest.json': JSON.stringify(manifest), 'content.js': contentScript(stallMsPerField) });
}

/** So that an extension that nobody signed runs, and that Firefox asks nobody on the network for anything. */
const SETTINGS = {
  'xpinstall.signatures.required': false,
  'extensions.autoDisableScopes': 0,
  'app.update.enabled': false,
  'app.normandy.enabled': false,
  'browser.safebrowsing.malware.enabled': false,
  'browser.safebrowsing.phishing.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'extensions.update.enabled': false,
  'extensions.getAddons.cache.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': 'data:,',
  'toolkit.telemetry.enabled': false,
};

/** Make a folder a profile with extensions for practice, which Firefox takes in at its first start. */
export function makeProfile(folder: string, extensions: readonly PracticeExtension[]): void {
  mkdirSync(join(folder, 'extensions'), { recursive: true });
  const lines = Object.entries(SETTINGS).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
  );
  writeFileSync(join(folder, 'prefs.js'), lines.join(''), { mode: 0o600 });
  for (const extension of extensions)
    writeFileSync(join(folder, 'extensions', `${extension.id}.xpi`), archiveOf(extension));
}
