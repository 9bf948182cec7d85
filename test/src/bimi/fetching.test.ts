import type { IncomingHttpHeaders, RequestListener } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type FileCache, type KeptFile, senderFetcher } from '../../../src/bimi/fetching.ts';
import { recordedResolver } from '../../../src/dns/recorded.ts';
import type { Resolver } from '../../../src/dns/types.ts';
import { createAuthority } from '../../../src/lab/certificates.ts';
import { type HttpsWorld, isPublicAddress } from '../../../src/net/https.ts';

const HOUR_MS = 3_600_000;
const NOW = Date.parse('2026-11-25T12:00:00Z');
const WISH = { accept: 'image/svg+xml', maxBytes: 1000 };

let server: Server;
let port: number;
let ca: string;
let connections = 0;
let asked: { readonly path: string; readonly headers: IncomingHttpHeaders }[] = [];
let files: Record<string, RequestListener>;

/** Names of the test: a server on loopback that the world lets in, and names that lead into somebody's network. */
const dns = recordedResolver({
  'logos.test': { A: ['127.0.0.1'] },
  'inside.test': { A: ['127.0.0.1'] },
  'private.test': { A: ['10.0.0.1'] },
  'metadata.test': { A: ['169.254.169.254'] },
  'mapped.test': { AAAA: ['::ffff:10.0.0.1'] },
  'ula.test': { AAAA: ['fd00::1'] },
  'gone.test': {},
  'broken.test': { A: 'SERVFAIL', AAAA: 'SERVFAIL' },
});

beforeAll(async () => {
  const authority = await createAuthority('Logo CA', Date.now());
  ca = authority.certificatePem;
  const { keyPem: key, chainPem: cert } = await authority.issue({ names: ['logos.test', 'inside.test'] });
  server = createServer({ key, cert }, (request, response) => {
    const { pathname: path } = new URL(request.url ?? '', 'https://logos.test');
    asked.push({ path, headers: request.headers });
    const file = files[path];
    if (file === undefined) response.writeHead(404).end();
    else file(request, response);
  });
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

beforeEach(() => {
  connections = 0;
  asked = [];
  files = { '/logo.svg': (_, response) => response.writeHead(200, { etag: '"1"' }).end('<svg/>') };
});

/** The test's seam: which addresses are let in. What ships lets in public ones only. */
function world(changes: Partial<HttpsWorld> = {}): HttpsWorld {
  return {
    dns,
    ca,
    admits: (ip) => ip === '127.0.0.1',
    offline: false,
    connectMs: 2000,
    totalMs: 3000,
    signal: new AbortController().signal,
    ...changes,
  };
}

function memory(entries: readonly (readonly [string, KeptFile])[] = []): FileCache & Map<string, KeptFile> {
  const map = new Map(entries);
  return Object.assign(map, {
    read: (url: string) => map.get(url) ?? null,
    write: (url: string, file: KeptFile) => void map.set(url, file),
  });
}

const url = (path: string, host = 'logos.test') => `https://${host}:${port}${path}`;
const fetchIt = (where: string, changes: Partial<HttpsWorld> = {}, cache = memory(), nowMs = NOW) =>
  senderFetcher(world(changes), cache, () => nowMs)(where, WISH);

const redirect =
  (location: string): RequestListener =>
  (_, response) =>
    response.writeHead(302, { location }).end();

test('a file is fetched as it is, without cookies, and once a run', async () => {
  files['/logo.svg'] = (_, response) => response.writeHead(200, { 'set-cookie': 'a=b' }).end('<svg/>');
  const fetch = senderFetcher(world(), memory(), () => NOW);
  const answers = await Promise.all([fetch(url('/logo.svg'), WISH), fetch(url('/logo.svg'), WISH)]);
  expect(answers[1]).toEqual({ kind: 'found', bytes: Buffer.from('<svg/>') });
  await fetch(url('/other.svg'), WISH);
  expect(asked.map(({ path }) => path)).toEqual(['/logo.svg', '/other.svg']);
  expect(asked.some(({ headers }) => 'cookie' in headers)).toBe(false);
});

describe('addresses', () => {
  test.for([
    '127.0.0.1',
    '10.0.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '::1',
    'fe80::1',
    'fd00::1',
    '::ffff:127.0.0.1',
    '64:ff9b::7f00:1',
    '224.0.0.1',
  ])('%s is not let in by what ships', (ip) => {
    expect(isPublicAddress(ip)).toBe(false);
  });

  test.for([
    'logos.test',
    'private.test',
    'metadata.test',
    'mapped.test',
    'ula.test',
    '127.0.0.1',
    '[::1]',
    '2130706433',
    '0x7f.1',
  ])('nothing connects to %s as things ship', async (host) => {
    const answer = await fetchIt(url('/logo.svg', host), { admits: isPublicAddress });
    expect(answer).toMatchObject({ kind: 'failed', reason: expect.stringContaining('no public address') });
    expect(connections).toBe(0);
  });

  test.for(['gone.test', 'broken.test'])('%s has none, which is told', async (host) => {
    expect(await fetchIt(url('/logo.svg', host))).toMatchObject({ kind: 'failed' });
  });

  test('a name that turns into another address after it was vetted is connected to where it was', async () => {
    let questions = 0;
    const turning: Resolver = {
      resolve: (async (name, type) => {
        if (type === 'A') questions += 1;
        const record = questions > 1 ? '10.0.0.1' : '127.0.0.1';
        return type === 'A' ? { kind: 'found', records: [record] } : await dns.resolve(name, type);
      }) as Resolver['resolve'],
    };
    expect(await fetchIt(url('/logo.svg'), { dns: turning })).toMatchObject({ kind: 'found' });
    expect(questions).toBe(1);
  });

  test('a resolver that never answers holds nobody', async () => {
    const silent: Resolver = { resolve: () => new Promise(() => {}) };
    expect(await fetchIt(url('/logo.svg'), { dns: silent, totalMs: 200 })).toMatchObject({
      reason: expect.stringContaining('in time'),
    });
  });
});

describe('redirects', () => {
  test.for([
    ['to another scheme', 'http://logos.test/logo.svg', 'only https'],
    ['to a file', 'file:///etc/passwd', 'only https'],
    ['into the network', 'https://private.test/logo.svg', 'no public address'],
    ['with a password', 'https://a:b@logos.test/logo.svg', 'password'],
    ['to nowhere', 'https://', 'nowhere'],
    ['to itself', '/away', 'redirects'],
  ] as const)('%s are not followed', async ([, location, words]) => {
    files['/away'] = redirect(location);
    const answer = await fetchIt(url('/away'));
    expect(answer).toMatchObject({ kind: 'failed', reason: expect.stringContaining(words) });
    expect(asked.some(({ path }) => path === '/logo.svg')).toBe(false);
  });

  test('to https are', async () => {
    files['/away'] = redirect('/logo.svg');
    expect(await fetchIt(url('/away'))).toMatchObject({ kind: 'found' });
  });
});

test.for([
  ['is larger than it may be, and says so', (_, response) => response.end(Buffer.alloc(2000)), 'larger than'],
  [
    'has no end',
    (_, response) => {
      response.writeHead(200, { 'transfer-encoding': 'chunked' });
      const more = () => response.write(Buffer.alloc(600), () => setImmediate(more));
      more();
    },
    'larger than',
  ],
  [
    'is compressed',
    (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'),
    'compressed',
  ],
  ['never comes', () => {}, 'in time'],
  [
    'comes byte by byte',
    (_, response) => {
      const timer = setInterval(() => response.write('x'), 50);
      response.on('close', () => clearInterval(timer));
    },
    'in time',
  ],
  ['is refused', (_, response) => response.writeHead(500).end(), 'status 500'],
] as const satisfies readonly (readonly [string, RequestListener, string])[])(
  'a file that %s is not taken',
  async ([, file, words]) => {
    files['/logo.svg'] = file;
    const answer = await fetchIt(url('/logo.svg'), { totalMs: 700 });
    expect(answer).toMatchObject({ kind: 'failed', reason: expect.stringContaining(words) });
  },
);

test.for([
  ['http://logos.test/logo.svg', 'only https'],
  ['https://a:b@logos.test/logo.svg', 'password'],
] as const)('%s is not asked', async ([where, words]) => {
  expect(await fetchIt(where)).toMatchObject({ kind: 'failed', reason: expect.stringContaining(words) });
  expect(connections).toBe(0);
});

test('a certificate of nobody is not believed', async () => {
  const { ca: _, ...without } = world();
  const answer = await senderFetcher(without, memory())(url('/logo.svg'), WISH);
  expect(answer).toMatchObject({ kind: 'failed' });
});

describe('a copy', () => {
  const kept = (ageMs: number): KeptFile => ({
    etag: '"1"',
    fetchedMs: NOW - ageMs,
    bytes: Buffer.from('<svg/>'),
  });
  const withCopy = (ageMs: number) => memory([[url('/logo.svg'), kept(ageMs)]]);

  test('is as good as the file for an hour', async () => {
    expect(await fetchIt(url('/logo.svg'), {}, withCopy(HOUR_MS - 1))).toMatchObject({ kind: 'found' });
    expect(connections).toBe(0);
  });

  test('is asked about with its ETag afterwards, and good for another hour', async () => {
    files['/logo.svg'] = (request, response) =>
      response.writeHead(request.headers['if-none-match'] === '"1"' ? 304 : 500).end();
    const cache = withCopy(HOUR_MS + 1);
    expect(await fetchIt(url('/logo.svg'), {}, cache)).toMatchObject({ kind: 'found' });
    expect(cache.get(url('/logo.svg'))).toMatchObject({ fetchedMs: NOW });
  });

  test('is replaced when the file has changed', async () => {
    files['/logo.svg'] = (_, response) => response.writeHead(200, { etag: '"2"' }).end('<svg></svg>');
    const cache = withCopy(HOUR_MS + 1);
    expect(await fetchIt(url('/logo.svg'), {}, cache)).toEqual({
      kind: 'found',
      bytes: Buffer.from('<svg></svg>'),
    });
    expect(cache.get(url('/logo.svg'))).toMatchObject({ etag: '"2"' });
  });

  test.for([
    ['stands in for a server that fails', 6 * 24 * HOUR_MS, false, 'found'],
    ['does not for longer than a week', 8 * 24 * HOUR_MS, false, 'failed'],
    ['does offline, however old', 400 * 24 * HOUR_MS, true, 'found'],
  ] as const)('%s', async ([, ageMs, offline, kind]) => {
    files['/logo.svg'] = (_, response) => response.writeHead(500).end();
    const admits = offline ? { admits: isPublicAddress } : {};
    expect(await fetchIt(url('/logo.svg'), { offline, ...admits }, withCopy(ageMs))).toMatchObject({ kind });
  });

  test('of another size than is wanted is not used', async () => {
    const large = memory([[url('/logo.svg'), { ...kept(0), bytes: Buffer.alloc(2000) }]]);
    expect(await fetchIt(url('/logo.svg'), {}, large)).toEqual({
      kind: 'found',
      bytes: Buffer.from('<svg/>'),
    });
  });
});
