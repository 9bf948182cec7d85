import { existsSync, readdirSync, readFileSync } from 'node:fs';

type Locked = { readonly license?: string; readonly dev?: boolean; readonly version?: string };

/** Packages of the lock file that are shipped, by their folder. */
export function shippedPackages(root: string): [folder: string, Locked][] {
  const lock = JSON.parse(readFileSync(`${root}package-lock.json`, 'utf8')) as {
    packages: Record<string, Locked>;
  };
  return Object.entries(lock.packages).filter(([folder, { dev }]) => folder !== '' && !dev);
}

const LICENCE_FILE = /^(licen[cs]e|copying|notice)\b/i;

function textsOf(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && LICENCE_FILE.test(entry.name))
    .map(({ name }) => readFileSync(`${folder}/${name}`, 'utf8').trim());
}

/**
 * The licences of the packages whose code lies in dist/, as most of them demand of a copy. The Node.js packages are
 * not among them: only the Debian package carries one, with its own licence.
 */
export function notices(root: string): string {
  const parts = shippedPackages(root)
    .filter(([folder]) => !/node_modules\/node-linux-/.test(folder))
    .map(([folder, { version, license }]) => {
      const name = folder.replace(/^.*node_modules\//, '');
      return [`== ${name} ${version ?? ''} (${license ?? 'unknown'})`, ...textsOf(root + folder)].join(
        '\n\n',
      );
    });
  return `Postern contains code of these packages.\n\n${parts.join('\n\n')}\n`;
}
