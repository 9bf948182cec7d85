import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { copyOfCheckout, done } from '../helpers/release.ts';

let checkout: string;
let work: string;
let program: string;

beforeAll(() => {
  checkout = copyOfCheckout();
  work = mkdtempSync(join(tmpdir(), 'postern-single-test-'));
  program = join(work, 'postern');
  done(process.execPath, ['bin/single.ts', '--out', program], { cwd: checkout });
});

afterAll(() => {
  for (const folder of [checkout, work]) rmSync(folder, { recursive: true, force: true });
});

/** Run it with nothing but a home. */
function inHome(home: string, ...args: string[]): string {
  return done(program, args, { cwd: work, env: { HOME: home, TMPDIR: work } });
}

function freshHome(name: string): string {
  mkdirSync(join(work, name));
  return join(work, name);
}

it('runs from one file, without Node.js, package or PATH', () => {
  const home = freshHome('home');
  expect(inHome(home, '--version')).toMatch(/^postern\/\S+ linux-/);
  expect(inHome(home, 'demo')).toContain('encrypted');
  expect(JSON.parse(inHome(home, 'yubikey', 'list', '--json'))).toMatchObject({ keys: [] });
});

it('unpacks once, into a folder of the user alone', () => {
  const home = freshHome('twice');
  inHome(home, '--version');
  const folder = join(home, '.cache/postern/single');
  expect(statSync(folder).mode & 0o077).toBe(0);
  const [first = ''] = readdirSync(folder);
  const before = statSync(join(folder, first)).ino;
  inHome(home, '--version');
  expect(readdirSync(folder)).toEqual([first]);
  expect(statSync(join(folder, first)).ino).toBe(before);
});

it('runs nothing from a folder that others can write to, and leaves nothing behind then', () => {
  const home = freshHome('open');
  const folder = join(home, '.cache/postern/single');
  mkdirSync(folder, { recursive: true });
  done('chmod', ['0777', folder]);
  expect(inHome(home, '--version')).toContain('postern/');
  expect(readdirSync(folder)).toEqual([]);
  expect(readdirSync(work).filter((name) => /^postern-\w{6}$/.test(name))).toEqual([]);
  expect(existsSync(program)).toBe(true);
});
