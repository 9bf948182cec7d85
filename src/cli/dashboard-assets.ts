import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { Asset } from '../throttle/dashboard.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** The files of the dashboard, by their paths. @param root  folder of the package */
export function dashboardAssets(root: string): ReadonlyMap<string, Asset> {
  const folder = join(root, 'data', 'dashboard');
  return new Map(
    readdirSync(folder).flatMap((name) => {
      const type = TYPES[extname(name)];
      const path = name === 'index.html' ? '/' : `/${name}`;
      return type === undefined ? [] : [[path, { type, body: readFileSync(join(folder, name)) }] as const];
    }),
  );
}
