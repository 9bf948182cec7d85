import { appendFileSync, mkdtempSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { parseNetwork } from '../../../src/net/network.ts';
import { parseJsonLine } from '../../../src/throttle/follow/json.ts';
import { root } from '../../helpers/run.ts';
import { startThrottleLab } from '../../helpers/throttle-lab.ts';

const trusted = ['10.0.0.0/8', '::1'].map(parseNetwork).filter((each) => each !== null);

/** A line of Caddy 2.6, with what differs. */
function caddyLine(request: object, rest: object = {}): string {
  return JSON.stringify({
    level: 'info',
    ts: 1_795_613_677.28,
    logger: 'http.log.access.log0',
    msg: 'handled request',
    request: {
      remote_ip: '192.0.2.1',
      remote_port: '35500',
      proto: 'HTTP/1.1',
      method: 'GET',
      host: 'www.example.org',
      uri: '/a?b=1',
      headers: { 'User-Agent': ['curl/8.0'] },
      ...request,
    },
    user_id: '',
    duration: 0.0098,
    size: 267,
    status: 200,
    resp_headers: { Server: ['Caddy'] },
    ...rest,
  });
}

/** As the tail hands it over: bytes as characters. */
const asBytes = (line: string) => Buffer.from(line).toString('latin1');
const parsed = (line: string) => parseJsonLine(asBytes(line), trusted);

const forwarded = (...values: string[]) => ({ headers: { 'X-Forwarded-For': values } });

test.for([
  ['the connection is the client', {}, {}, { address: '192.0.2.1', bytes: 267, refused: false }],
  ['from anywhere X-Forwarded-For can be forged', forwarded('198.51.100.1'), {}, { address: '192.0.2.1' }],
  [
    'behind a proxy of ours the right-most other address is',
    { remote_ip: '10.0.0.1', ...forwarded('203.0.113.1, 198.51.100.1', '10.0.0.2') },
    {},
    { address: '198.51.100.1' },
  ],
  ['IPv6', { remote_ip: '2001:db8::1' }, {}, { address: '2001:db8::1' }],
  [
    'the error page tells itself',
    {},
    { status: 429, resp_headers: { 'X-Postern-Because': ['client'] } },
    { refused: true },
  ],
  ['429 of the site itself is served', {}, { status: 429 }, { refused: false }],
  ['a path beyond ASCII', { uri: '/ä' }, {}, { path: '/ä', method: 'GET', userAgent: 'curl/8.0' }],
  ['newer versions say whom they believe', { client_ip: '203.0.113.1' }, {}, { address: '192.0.2.1' }],
  ['no fields of HTTP', { headers: null }, { resp_headers: null }, { address: '192.0.2.1', userAgent: '' }],
] as const)('Caddy, %s', ([, request, rest, expected]) => {
  expect(parsed(caddyLine(request, rest))).toMatchObject({
    counting: 'a',
    host: 'www.example.org',
    ...expected,
  });
});

test('Traefik: served, refused, and through a proxy in front', () => {
  const lines = readFileSync(join(root, 'test/fixtures/traefik/access.jsonl'), 'utf8').trim().split('\n');
  expect(lines.map(parsed)).toEqual([
    {
      ...{ counting: 'a', refused: false, address: '192.0.2.7', host: 'www.example.org', bytes: 1_100_000 },
      ...{ method: 'GET', path: '/large?x=ä', userAgent: 'curl/8.0' },
    },
    {
      ...{ counting: 'a', refused: true, address: '2001:db8::7', host: 'www.example.org', bytes: 323 },
      ...{ method: 'GET', path: '/', userAgent: '' },
    },
    {
      ...{ counting: 'a', refused: false, address: '198.51.100.7', host: 'www.example.org', bytes: 5 },
      ...{ method: 'POST', path: '/form', userAgent: '' },
    },
  ]);
});

test.for([
  '{',
  '{}',
  '{"request":[]}',
  '{"request":{"remote_ip":"192.0.2.1"}}',
  '{"request":{"remote_ip":5},"size":5}',
  caddyLine({}, { size: -1 }),
  caddyLine({}, { size: 1e300 }),
  caddyLine({}, { size: '5' }),
  caddyLine({}, { size: 5.5 }),
  caddyLine({ remote_ip: '' }),
  '{"level":"info","msg":"server running"}',
  '{"ClientAddr":"-","ClientHost":"-"}',
  '{"DownstreamContentSize":5}',
  `{"a":${'['.repeat(100_000)}`,
  '{"__proto__":{"size":5},"constructor":1}',
])('%s is no line of theirs', (line) => {
  expect(parsed(line)).toBeNull();
});

test('a log of JSON that is followed counts bytes and no requests, over a rename, and says what it did not understand', async () => {
  const log = join(mkdtempSync(join(tmpdir(), 'postern-json-')), 'access.log');
  writeFileSync(log, `${caddyLine({}, { size: 1_900_000 })}\n`);
  const lab = await startThrottleLab({ logs: [log], trusted });
  try {
    await lab.api('/v1/sites', 'POST', { name: 'www.example.org', limits: '20/2M' });
    const top = async () =>
      ((await lab.api('/v1/clients')) as { clients: { requests: number; bytes: number }[] }).clients;
    const line = caddyLine({}, { size: 1_200_000 });
    appendFileSync(log, line.slice(0, 50));
    appendFileSync(log, `${line.slice(50)}\nnonsense\n{"half":\n`);
    await vi.waitFor(async () => expect(await top()).toMatchObject([{ requests: 0, bytes: 1_200_000 }]), {
      timeout: 20_000,
    });
    renameSync(log, `${log}.1`);
    writeFileSync(log, `${caddyLine({}, { size: 900_000 })}\n`);
    await vi.waitFor(
      async () =>
        expect(await lab.api('/v1/blocks')).toMatchObject({
          blocks: [
            { client: '192.0.2.1', site: 'www.example.org', tipping: { method: 'GET', path: '/a?b=1' } },
          ],
        }),
      { timeout: 20_000 },
    );
    expect(lab.events.filter(({ event }) => event === 'log not understood')).toHaveLength(1);
  } finally {
    await lab.close();
  }
});
