import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { unpackVault } from '../../../src/browser/vault.ts';
import { davUrl, filesIn, putFile } from '../../../src/browser/webdav.ts';
import { makeProfile } from '../../../src/lab/firefox-profile.ts';
import { type DavLab, startApache } from '../../helpers/apache.ts';
import { isInstalled, needs } from '../../helpers/debian.ts';
import { BINARY, inFirefox, scratch } from '../../helpers/firefox.ts';
import { run, runBuilt } from '../../helpers/run.ts';

const ADD = `
  const { LoginHelper } = ChromeUtils.importESModule("resource://gre/modules/LoginHelper.sys.mjs");
  const { PlacesUtils } = ChromeUtils.importESModule("resource://gre/modules/PlacesUtils.sys.mjs");
  await LoginHelper.maybeImportLogins(args[0].map(([origin, username, password]) =>
    ({ origin, username, password, formActionOrigin: "" })));
  for (const url of args[1])
    await PlacesUtils.bookmarks.insert({ parentGuid: PlacesUtils.bookmarks.menuGuid, title: url, url });`;

async function profileWith(
  logins: readonly (readonly string[])[],
  bookmarks: readonly string[],
): Promise<string> {
  const folder = scratch();
  makeProfile(folder, []);
  await inFirefox(folder, (firefox) => firefox.chrome(ADD, logins, bookmarks));
  return folder;
}

describe('on Apache’s mod_dav', () => {
  let dav: DavLab | undefined;
  beforeAll(async () => {
    if (isInstalled('apache2') && isInstalled('firefox-esr')) dav = await startApache();
  });
  afterAll(() => dav?.close());

  test('pushed from one machine, merged on a second, and the server knows nothing', async (context) => {
    needs(context, 'firefox-esr', 'firefox-esr');
    needs(context, 'apache2', 'apache2-bin');
    const { url = '', files = '', passwordFile = '' } = dav ?? {};
    const first = await profileWith(
      [
        ['https://a.test', 'me', 'hunter2-a'],
        ['https://b.test', 'me', 'hunter2-b'],
        ['https://c.test', 'me', 'hunter2-c'],
      ],
      ['https://mark.test/'],
    );
    const second = await profileWith(
      [
        ['https://b.test', 'me', 'hunter2-b'],
        ['https://c.test', 'me', 'hunter2-own'],
      ],
      [],
    );
    const folder = scratch();
    execFileSync('age-keygen', ['-o', join(folder, 'key')], { stdio: 'ignore' });
    const recipient = execFileSync('age-keygen', ['-y', join(folder, 'key')], { encoding: 'utf8' }).trim();
    const login = ['--user', 'me', '--password-file', passwordFile];
    const on = (profile: string) => [...login, '--profile-dir', profile, '--firefox', BINARY, '--json'];

    const pushed = await runBuilt(['browser', 'backup', 'push', url, ...on(first), '--recipient', recipient]);
    expect(JSON.parse(pushed.stdout)).toMatchObject({ status: 'ok', logins: 3 });
    const [name = '', ...others] = readdirSync(files).filter((each) => !each.startsWith('.DAV'));
    expect(others).toEqual([]);
    expect(name).toMatch(/^\d{4}-\d\d-\d\dT\d{6}Z-[\w.-]+\.age$/);
    const kept = readFileSync(join(files, name));
    expect(kept.toString('latin1')).toMatch(/^age-encryption\.org\/v1\n/);
    expect(kept.toString('latin1')).not.toMatch(/hunter2|a\.test/);

    const listed = await run('browser backup list', [url, ...login, '--json']);
    expect(listed.result).toMatchObject({ backups: [{ name, lengthBytes: kept.length }] });

    const restore = (...more: string[]) =>
      runBuilt([
        'browser',
        'backup',
        'restore',
        url,
        ...on(second),
        '--identity-file',
        join(folder, 'key'),
        ...more,
      ]);
    const told = await restore();
    expect(JSON.parse(told.stdout)).toMatchObject({
      merged: false,
      logins: { new: 1, same: 1, different: 1 },
      bookmarks: { new: 1 },
    });
    const done = await restore('--yes');
    expect(JSON.parse(done.stdout)).toMatchObject({ merged: true, logins: { new: 1 } });
    const after = await restore();
    expect(JSON.parse(after.stdout)).toMatchObject({
      logins: { new: 0, same: 2, different: 1 },
      bookmarks: { new: 0 },
    });
    for (const { stdout, stderr } of [pushed, told, done]) expect(stdout + stderr).not.toContain('hunter2');
  });

  test('a wrong password at the server is told, without it', async (context) => {
    needs(context, 'apache2', 'apache2-bin');
    needs(context, 'firefox-esr', 'firefox-esr');
    const secret = join(scratch(), 'password');
    writeFileSync(secret, 'wrong-secret\n', { mode: 0o600 });
    const ran = await run('browser backup list', [dav?.url ?? '', '--user', 'me', '--password-file', secret]);
    expect(ran.exit).toBe(69);
    expect(ran.stderr).toContain('401');
    expect(ran.stderr).not.toContain('wrong-secret');
  });

  test('what is there already is not replaced', async (context) => {
    needs(context, 'apache2', 'apache2-bin');
    needs(context, 'firefox-esr', 'firefox-esr');
    const there = {
      url: davUrl(dav?.url ?? ''),
      user: 'me',
      password: 'dav-secret',
      ca: undefined,
      timeoutMs: 10_000,
    };
    await putFile(there, 'x.age', Buffer.from('one'));
    await expect(putFile(there, 'x.age', Buffer.from('two'))).rejects.toMatchObject({ code: 'E_WEBDAV' });
    expect(readFileSync(join(dav?.files ?? '', 'x.age'), 'utf8')).toBe('one');
    expect(readdirSync(dav?.files ?? '').filter((name) => name.endsWith('.part'))).toEqual([]);
  });
});

test('a server that gives back something else is not believed', async () => {
  const methods: string[] = [];
  const server = createServer((request, response) => {
    methods.push(request.method ?? '');
    request.resume().on('end', () => response.writeHead(request.method === 'PUT' ? 201 : 200).end('else'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const dav = { url, user: undefined, password: undefined, ca: undefined, timeoutMs: 10_000 };
  await expect(putFile(dav, 'x.age', Buffer.from('mine'))).rejects.toMatchObject({ code: 'E_NOT_KEPT' });
  expect(methods).toEqual(['PUT', 'GET', 'DELETE']);
  server.close();
});

test.for([
  ['http://dav.example.org/', 'not encrypted'],
  ['https://me:secret@dav.example.org/', 'password'],
  ['ftp://dav.example.org/', 'no address'],
  ['nonsense', 'no address'],
] as const)('%s is refused', async ([url, word]) => {
  const ran = await run('browser backup list', [url]);
  expect(ran.exit).toBe(64);
  expect(ran.stderr).toContain(word);
  expect(ran.stderr).not.toContain('secret');
});

test('a list of files, whatever its elements are called', () => {
  expect(
    filesIn(
      '<D:multistatus xmlns:D="DAV:"><D:response><D:href>/x/</D:href></D:response><D:response><D:href>/x/a%20b.age</D:href><D:propstat><D:prop><lp1:getcontentlength>12</lp1:getcontentlength></D:prop></D:propstat></D:response></D:multistatus>',
    ),
  ).toEqual([{ name: 'a b.age', lengthBytes: 12 }]);
});

test.for(['', 'x', '{}'])('%j is no backup', (text) => {
  expect(() => unpackVault(Buffer.from(text))).toThrow('no backup');
});
