// The entry of the single-file executable. The package lies in the file as one compressed asset; it is unpacked once,
// into a folder that is ours alone and bears the hash of what is in it, and run from there.
const { createHash } = require('node:crypto');
const {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  writeFileSync,
} = require('node:fs');
const { createRequire } = require('node:module');
const { homedir, tmpdir } = require('node:os');
const { dirname, isAbsolute, join } = require('node:path');
const { getRawAsset } = require('node:sea');
const { zstdDecompressSync } = require('node:zlib');

const packed = Buffer.from(getRawAsset('package'));

/** A folder is trusted like a program: nobody else may write there. */
function isOurs(folder) {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  return found?.isDirectory() && found.uid === process.getuid() && (found.mode & 0o077) === 0;
}

function unpack(folder) {
  const { files } = JSON.parse(zstdDecompressSync(packed).toString('latin1'));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true, mode: 0o700 });
    writeFileSync(join(folder, path), Buffer.from(content, 'latin1'));
  }
}

/** Unpack beside it, then rename: another process sees all of it or nothing. */
function cached() {
  const home = process.env.XDG_CACHE_HOME || join(process.env.HOME || homedir(), '.cache');
  if (!isAbsolute(home)) return undefined;
  const parent = join(home, 'postern', 'single');
  try {
    mkdirSync(parent, { recursive: true, mode: 0o700 });
    if (!isOurs(parent)) return undefined;
    const folder = join(parent, createHash('sha256').update(packed).digest('hex').slice(0, 32));
    if (existsSync(folder)) return folder;
    const fresh = mkdtempSync(join(parent, 'new-'));
    unpack(fresh);
    try {
      renameSync(fresh, folder);
    } catch (error) {
      rmSync(fresh, { recursive: true });
      if (!existsSync(folder)) throw error;
    }
    return folder;
  } catch {
    return undefined;
  }
}

/** Without a home to write to, for this one run. */
function passing() {
  const folder = mkdtempSync(join(tmpdir(), 'postern-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  unpack(folder);
  return folder;
}

const start = join(cached() ?? passing(), 'bin', 'run.js');
process.argv[1] = start;
createRequire(start)(start);
