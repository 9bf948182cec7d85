// `npm ci` runs this: build, unless the tools for it were left out (`npm ci --omit=dev` of a built tree).
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
if (existsSync(at('../node_modules/rolldown'))) {
  const { status } = spawnSync(process.execPath, [at('build.ts'), '--quiet'], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
} else if (!existsSync(at('../dist/main.js'))) {
  process.stderr.write(
    'postern: cannot build without the development packages; run "npm ci" without --omit=dev.\n',
  );
  process.exitCode = 1;
}
