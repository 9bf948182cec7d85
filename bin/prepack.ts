// `npm pack` and `npm publish` run this before and, with --restore, after. What is published has all its packages
// bundled in dist/: only node-hid, which is native, stays a dependency. Node.js is the user's own.
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { notices } from './release/notices.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const manifest = `${root}package.json`;
const kept = `${root}package.json.kept`;

/** What a published manifest says; scripts and development are for the checkout. */
const PUBLISHED = [
  'name',
  'version',
  'private',
  'description',
  'license',
  'type',
  'engines',
  'bin',
  'files',
  'oclif',
  'man',
  'allowScripts',
];

// Also after a run that was killed in between.
if (existsSync(kept)) renameSync(kept, manifest);
if (!process.argv.includes('--restore')) {
  const whole = JSON.parse(readFileSync(manifest, 'utf8')) as Record<string, unknown> & {
    optionalDependencies: Record<string, string>;
    devDependencies: Record<string, string>;
  };
  const { 'node-hid': hid } = whole.optionalDependencies;
  const published = {
    ...Object.fromEntries(Object.entries(whole).filter(([field]) => PUBLISHED.includes(field))),
    optionalDependencies: { 'node-hid': hid },
    // Whoever verifies much Ed25519 puts it beside this; nobody else has it installed.
    peerDependencies: { 'sodium-native': `^${whole.devDependencies['sodium-native']}` },
    peerDependenciesMeta: { 'sodium-native': { optional: true } },
  };
  writeFileSync(kept, readFileSync(manifest));
  writeFileSync(`${root}dist/THIRD-PARTY-LICENSES.txt`, notices(root));
  rmSync(manifest);
  writeFileSync(manifest, `${JSON.stringify(published, null, 2)}\n`);
}
