import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createAuthority } from '../../../src/lab/certificates.ts';
import type { TrustSyncResult } from '../../../src/schema/trust-lists.ts';
import { type Publication, publication, ring } from '../../helpers/registry.ts';
import { root, run } from '../../helpers/run.ts';
import { entryDocument } from '../../helpers/trust.ts';

const keys = ring();
const DAY_MS = 86_400_000;
let folder: string;
let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'postern-sync-'));
  folder = join(home, 'published');
  mkdirSync(join(folder, 'lists'), { recursive: true });
  for (const name of ['STATE', 'CACHE', 'CONFIG'])
    process.env[`XDG_${name}_HOME`] = join(home, name.toLowerCase());
});

function publish(given: Partial<Publication> = {}): string {
  const files = publication({ keys, nowMs: Date.now(), ...given });
  for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes);
  return join(folder, '1.root.json');
}

async function sync(...argv: string[]): Promise<{ exit: number; stderr: string; result: TrustSyncResult }> {
  const ran = await run('trust sync', argv);
  const [result] = (ran.result ?? []) as readonly TrustSyncResult[];
  return { exit: ran.exit ?? -1, stderr: ran.stderr, result: result as TrustSyncResult };
}

async function verdictOn(domain: string, ...argv: string[]): Promise<string> {
  const { stdout } = await run('trust show', [domain, '--json', ...argv]);
  return (JSON.parse(stdout) as { verdict: string }).verdict;
}

describe('from a folder', () => {
  test('what was synchronised makes mail trusted, until it is revoked and synchronised again', async () => {
    expect(await verdictOn('bank.example')).toBe('authenticated');
    const rootFile = publish();
    expect(await sync(folder, '--root', rootFile)).toMatchObject({
      exit: 0,
      result: { changed: true, list: 1 },
    });
    expect(await verdictOn('bank.example')).toBe('trusted');
    expect((await sync()).result).toMatchObject({ changed: false, status: 'ok' });

    const revoked = entryDocument({ status: 'revoked', revokedAt: new Date().toISOString(), reason: 'sold' });
    publish({ version: 2, entries: [revoked] });
    expect((await sync('mediator.example')).result).toMatchObject({ changed: true, list: 2 });
    expect(await verdictOn('bank.example')).toBe('authenticated');
    const { stdout } = await run('trust show', ['bank.example']);
    expect(stdout).toContain('registry.revoked');
  });

  test('message check takes it, too', async () => {
    publish();
    await sync(folder, '--root', join(folder, '1.root.json'));
    const { stdout } = await run('message check', [
      `${root}examples/trust/listed.eml`,
      '--dns-cache',
      `${root}examples/trust/dns.json`,
      '--offline',
      '--json',
    ]);
    expect(JSON.parse(stdout)).toMatchObject({
      verdict: 'trusted',
      vouchers: [{ source: 'mediator.example' }],
    });
  });

  test('an older list is refused with 2, and what was held stays', async () => {
    const rootFile = publish({ version: 2 });
    await sync(folder, '--root', rootFile);
    publish({ version: 1 });
    const { exit, result } = await sync();
    expect(exit).toBe(2);
    expect(result).toMatchObject({ refused: 'rollback', changed: false, list: 2 });
    expect(await verdictOn('bank.example')).toBe('trusted');
  });

  test('an older root given again takes nothing back', async () => {
    const rootFile = publish({ version: 2 });
    await sync(folder, '--root', rootFile);
    publish({ version: 1 });
    expect((await sync(folder, '--root', rootFile)).result).toMatchObject({ refused: 'rollback' });
  });

  test('a list of which nothing was heard for a day and more makes nothing green, but for a grace', async () => {
    await sync(folder, '--root', publish());
    const later = new Date(Date.now() + 2 * DAY_MS).toISOString();
    expect(await verdictOn('bank.example', '--as-of', later)).toBe('authenticated');
    expect(await verdictOn('bank.example', '--as-of', later, '--grace', '3d')).toBe('trusted');
    expect((await run('trust show', ['bank.example', '--grace', '8d'])).exit).toBe(64);
    const { stdout, exit } = await run('trust list', ['--as-of', later]);
    expect(exit).toBe(1);
    expect(stdout).toContain('valid until');
  });

  test('two mediators vouch together, and one that revokes outweighs the other', async () => {
    await sync(folder, '--root', publish());
    const other = ring();
    const revoked = entryDocument({
      status: 'revoked',
      revokedAt: new Date().toISOString(),
      reason: 'fraud',
    });
    const mediator = 'other.example';
    const second = join(home, 'second');
    mkdirSync(join(second, 'lists'), { recursive: true });
    const write = (version: number, entries: object[]) => {
      const given = {
        keys: other,
        version,
        entries,
        nowMs: Date.now(),
        root: { mediator },
        list: { mediator },
      };
      for (const [name, bytes] of publication({ ...given, pointer: { mediator } }))
        writeFileSync(join(second, name), bytes);
    };
    write(1, [entryDocument()]);
    await sync(second, '--root', join(second, '1.root.json'));
    const { stdout } = await run('trust show', ['bank.example', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      verdict: 'trusted',
      vouchers: [{ source: 'mediator.example' }, { source: 'other.example' }],
    });
    write(2, [revoked]);
    await sync('other.example');
    expect(await verdictOn('bank.example')).toBe('authenticated');
  });

  test('what is kept is ours alone, and is not believed when it was changed', async () => {
    await sync(folder, '--root', publish());
    const state = join(home, 'state/postern/trust/mediator.example.json');
    expect(statSync(state).mode & 0o777).toBe(0o600);
    const cache = join(home, 'cache/postern/trust/mediator.example');
    const [name = ''] = readdirSync(cache).filter((each) => each.endsWith('.json'));
    const list = readFileSync(join(cache, name), 'utf8');
    writeFileSync(join(cache, name), list.replace('bank.example', 'evil.example'));
    expect(await verdictOn('evil.example')).not.toBe('trusted');
    const { stdout } = await run('trust show', ['bank.example']);
    expect(stdout).toContain('could not be had');
    await sync();
    expect(await verdictOn('bank.example')).toBe('trusted');

    writeFileSync(state, readFileSync(state, 'utf8').replace('"root":"ey', '"root":"ex'));
    expect((await run('trust show', ['bank.example'])).exit).toBe(65);
  });

  test('a folder that others can write to is not used', async () => {
    mkdirSync(join(home, 'state/postern/trust'), { recursive: true });
    chmodSync(join(home, 'state/postern/trust'), 0o777);
    expect((await sync(folder, '--root', publish())).exit).toBe(77);
  });

  test.for([
    [['http://trust.example/'], 64],
    [['https://u:p@trust.example/'], 64],
    [['ftp://trust.example/'], 64],
    [['/no/such/folder'], 64],
  ] as const)('%j is no source', async ([argv, exit]) => {
    expect((await sync(...argv, '--root', publish())).exit).toBe(exit);
  });

  test('nothing is trusted because it came first', async () => {
    publish();
    const { exit, stderr } = await sync(folder);
    expect(exit).toBe(64);
    expect(stderr).toContain('--root');
  });
});

describe('from a web server', () => {
  let server: Server;
  let url: string;
  let ca: string;
  let answer: 'files' | 'redirect' | 'flood' | 'silent' | 'cut' = 'files';

  beforeAll(async () => {
    const authority = await createAuthority('Test authority', Date.now());
    const { keyPem, chainPem } = await authority.issue({ names: ['localhost', '127.0.0.1'] });
    const certificates = mkdtempSync(join(tmpdir(), 'postern-ca-'));
    ca = join(certificates, 'ca.pem');
    writeFileSync(ca, authority.certificatePem);
    server = createServer({ key: keyPem, cert: chainPem }, (request, response) => {
      const file = join(folder, request.url ?? '');
      if (answer === 'redirect') response.writeHead(302, { location: 'file:///etc/passwd' }).end();
      else if (answer === 'flood') {
        response.writeHead(200);
        const timer = setInterval(() => response.write(Buffer.alloc(65_536)), 1);
        response.once('close', () => clearInterval(timer));
      } else if (answer === 'silent') return;
      else if (answer === 'cut') {
        response.writeHead(200, { 'content-length': '5000' }).write('{', () => response.destroy());
      } else {
        try {
          response.end(readFileSync(file));
        } catch {
          response.writeHead(404).end();
        }
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    answer = 'files';
  });

  const fetchAll = (...argv: string[]) =>
    sync(url, '--root', publish(), '--ca', ca, '--allow-private', '--offline', ...argv);

  test('over HTTPS it is as from a folder', async () => {
    expect(await fetchAll()).toMatchObject({ exit: 0, result: { list: 1, source: `${url}/` } });
    expect(await verdictOn('bank.example')).toBe('trusted');
  });

  test('a private address, a certificate of nobody: not fetched, and said so', async () => {
    const known = await sync(url, '--root', publish(), '--ca', ca);
    expect(known).toMatchObject({ exit: 3, result: { refused: 'source' } });
    expect(known.result.summary).toContain('--allow-private');
    const untrusted = await sync(url, '--root', publish(), '--allow-private');
    expect(untrusted).toMatchObject({ exit: 3, result: { refused: 'source' } });
  });

  test.for([
    ['redirect', 'redirects'],
    ['flood', 'larger than'],
    ['silent', 'in time'],
    ['cut', 'cannot be had'],
  ] as const)('a server that answers with %s ends with "%s"', async ([way, word]) => {
    answer = way;
    const { exit, result } = await fetchAll('--timeout-https', '1s');
    expect(exit).toBe(3);
    expect(result.summary).toContain(word);
  });
});
