// Says whether everything that is shipped may be: run-time packages of the lock file and their licences.
import { fileURLToPath } from 'node:url';
import { shippedPackages } from './release/notices.ts';

const ALLOWED = new Set([
  'MIT',
  'MIT-0',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'MPL-2.0',
  'Unlicense',
  'Python-2.0',
]);

/** An expression is fine when one of its alternatives is. */
function isAllowed(licence: string): boolean {
  return licence
    .replaceAll(/[()]/g, '')
    .split(' OR ')
    .some((alternative) => alternative.split(' AND ').every((part) => ALLOWED.has(part.trim())));
}

const shipped = shippedPackages(fileURLToPath(new URL('../', import.meta.url)));
const refused = shipped.filter(([, { license }]) => !isAllowed(license ?? 'unknown'));
for (const [path, { license }] of refused) {
  process.stderr.write(
    `${path.replace(/^.*node_modules\//, '')}: ${license ?? 'no licence'} may not be shipped\n`,
  );
}
process.stdout.write(
  `${shipped.length} packages are shipped, ${refused.length} with a licence that does not fit\n`,
);
if (refused.length > 0) process.exitCode = 1;
