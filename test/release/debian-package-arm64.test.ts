import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { needs } from '../helpers/debian.ts';
import { copyOfCheckout, done } from '../helpers/release.ts';

let work: string;
let system: string | undefined;

beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'postern-arm64-test-'));
});

afterAll(() => {
  rmSync(work, { recursive: true, force: true });
});

function buildPackage(): string {
  const checkout = copyOfCheckout();
  try {
    return done(process.execPath, ['bin/deb.ts', '--arch', 'arm64', '--out', work], {
      cwd: checkout,
      env: { ...process.env, SOURCE_DATE_EPOCH: '1767225600' },
    }).trim();
  } finally {
    rmSync(checkout, { recursive: true, force: true });
  }
}

/** An arm64 Debian of just the libraries that the package depends on, and the package in it; nothing of it is run. */
function systemWithPackage(context: TestContext): string {
  needs(context, 'qemu-aarch64-static', 'qemu-user-static');
  needs(context, 'aarch64-linux-gnu-strip', 'binutils-aarch64-linux-gnu');
  needs(context, 'mmdebstrap', 'mmdebstrap');
  if (system !== undefined) return system;
  const file = buildPackage();
  const libraries = done('dpkg-deb', ['--field', file, 'Depends'])
    .split(',')
    .map((each) => each.trim().replace(/ .*/, ''))
    .filter((name) => name.startsWith('lib'));
  const folder = join(work, 'system');
  const wanted = `--include=${libraries.join(',')}`;
  done('mmdebstrap', ['--arch=arm64', '--variant=extract', '--quiet', wanted, 'bookworm', folder]);
  done('dpkg-deb', ['-x', file, folder]);
  system = folder;
  return folder;
}

/** The installed program, on an emulated ARM processor. */
function postern(context: TestContext, ...args: string[]): string {
  const folder = systemWithPackage(context);
  const lib = join(folder, 'usr/lib/postern');
  const program = [join(lib, 'node/bin/node'), join(lib, 'bin/run.js'), ...args];
  return done('qemu-aarch64-static', ['-L', folder, ...program]);
}

describe('the package for arm64', () => {
  it('carries a Node.js for that processor', (context) => {
    expect(postern(context, '--version')).toMatch(/ linux-arm64 node-v24\./);
  });

  it('carries the add-on that finds keys', (context) => {
    expect(postern(context, 'yubikey', 'list', '--json')).toContain('"keys": []');
  });

  it('reads a message', (context) => {
    systemWithPackage(context);
    const message = join(work, 'message.eml');
    const line =
      'from a.example (a.example [192.0.2.1]) by mx.example.org with ESMTPS (version=TLS1_3) id 1; Mon, 2 Nov 2020 01:57:23 +0000';
    writeFileSync(message, `Received: ${line}\r\n\r\n`);
    expect(postern(context, 'message', 'path', message)).toContain('from 192.0.2.1');
  });

  it('tells its stories', (context) => {
    expect(postern(context, 'demo', 'transport')).toContain('without encryption');
    expect(postern(context, 'demo', 'trust')).toContain('registry.revoked');
  });
});
