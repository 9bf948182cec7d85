// Builds the single-file executable: a Node.js with the package in it (Single Executable Applications of Node.js).
// `node bin/single.ts [--out FILE]`
import {
  chmodSync,
  cpSync,
  existsSync,
  globSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { constants, zstdCompressSync } from 'node:zlib';
import { root, run, unpackNpmPackage } from './release/tree.ts';

const { values } = parseArgs({ options: { out: { type: 'string', default: `${root}postern` } } });
const out = resolve(values.out);

/** Between the text that marks the place for it and what postject is told (Node.js documentation). */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

/** All files by their path: one JSON text, a character a byte. */
function packTree(tree: string): Buffer {
  const files = globSync(`${tree}/**/*`)
    .filter((file) => statSync(file).isFile())
    .sort()
    .map((file) => [relative(tree, file), readFileSync(file).toString('latin1')]);
  const text = Buffer.from(JSON.stringify({ files: Object.fromEntries(files) }), 'latin1');
  return zstdCompressSync(text, { params: { [constants.ZSTD_c_compressionLevel]: 19 } });
}

const work = mkdtempSync(join(tmpdir(), 'postern-single-'));
try {
  const tree = join(work, 'tree');
  unpackNpmPackage(tree, work);
  // Pages and units are for packages.
  for (const extra of ['man', 'data/systemd', 'data/udev', 'schemas'])
    rmSync(join(tree, extra), { recursive: true, force: true });
  writeFileSync(join(work, 'package'), packTree(tree));
  cpSync(`${root}bin/release/single.cjs`, join(work, 'single.cjs'));
  writeFileSync(
    join(work, 'sea.json'),
    JSON.stringify({
      main: 'single.cjs',
      output: 'blob',
      disableExperimentalSEAWarning: true,
      assets: { package: 'package' },
    }),
  );
  run(process.execPath, ['--experimental-sea-config', 'sea.json'], work);
  const node = join(work, 'node');
  cpSync(process.execPath, node, { dereference: true });
  chmodSync(node, 0o755);
  if (existsSync('/usr/bin/strip')) run('strip', ['--strip-unneeded', node]);
  const postject = createRequire(import.meta.url).resolve('postject/dist/cli.js');
  run(process.execPath, [postject, node, 'NODE_SEA_BLOB', join(work, 'blob'), '--sentinel-fuse', FUSE]);
  cpSync(node, out);
  console.log(out);
} finally {
  rmSync(work, { recursive: true, force: true });
}
