import { mkdtempSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { contains, parseNetwork } from '../../../src/net/network.ts';
import { root, run } from '../../helpers/run.ts';
import { startThrottleLab, type ThrottleLab } from '../../helpers/throttle-lab.ts';

// Traefik is not in Debian, so it is not here: its configuration is held against what its documentation says of the
// form, and what it would send is sent by a model of it, which reads that configuration.

type Forward = { address: string; trustForwardHeader: boolean; authRequestHeaders: string[] };
type Middleware = {
  forwardAuth?: Forward;
  headers?: { customRequestHeaders: Record<string, string> };
  chain?: { middlewares: string[] };
};
type Fixed = {
  entryPoints: Record<string, { address: string; forwardedHeaders?: { trustedIPs: string[] } }>;
  providers: { file: { filename: string } };
  accessLog: { filePath: string };
};
type Changing = {
  http: {
    middlewares: Record<string, Middleware>;
    routers: Record<string, { entryPoints: string[]; middlewares: string[]; service: string }>;
    services: Record<string, { loadBalancer: { servers: { url: string }[] } }>;
  };
};
type Configuration = { readonly folder: string; readonly fixed: Fixed; readonly changing: Changing };

const schemaOf = (name: string) =>
  JSON.parse(readFileSync(join(root, `test/fixtures/traefik/${name}.schema.json`), 'utf8')) as object;
const ajv = new Ajv2020({ validateFormats: false });
const isFixed = ajv.compile(schemaOf('static'));
const isChanging = ajv.compile(schemaOf('dynamic'));

let lab: ThrottleLab;
let decision = '';

beforeAll(async () => {
  lab = await startThrottleLab({
    decision: { kind: 'tcp', host: '127.0.0.1', port: 0 },
    trusted: [parseNetwork('10.0.0.0/8')].filter((each) => each !== null),
  });
  decision = lab.daemon.describe().listening.find((each) => each.for === 'decision')?.at ?? '';
  for (const name of ['www.example.org', 'second.example'])
    await lab.api('/v1/sites', 'POST', { name, limits: '20/2M' });
});
afterAll(() => lab.close());

async function compiled(...more: string[]): Promise<Configuration> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-traefik-'));
  const where = ['--out', folder, '--service', `unix:${lab.socket.path}`];
  const ran = await run('throttle compile', ['traefik', ...where, '--decision', decision, ...more]);
  // 1: the service knows a proxy that some of these do not.
  expect(ran.exit, ran.stderr).toBeLessThan(2);
  const read = (name: string): unknown => parse(readFileSync(join(folder, name), 'utf8'));
  return {
    folder,
    fixed: read('traefik.yml') as Fixed,
    changing: read('postern-throttle.yml') as Changing,
  };
}

/** Every middleware that is named is there, those that chains consist of, too. */
function leads({ http: { middlewares, routers, services } }: Changing, fixed: Fixed): string[] {
  const named = [
    ...Object.values(routers).flatMap((router) => router.middlewares),
    ...Object.values(middlewares).flatMap(({ chain }) => chain?.middlewares ?? []),
  ];
  return [
    ...named.filter((name) => !(name in middlewares)),
    ...Object.values(routers).flatMap(({ service }) => (service in services ? [] : [service])),
    ...Object.values(routers).flatMap(({ entryPoints }) =>
      entryPoints.filter((name) => !(name in fixed.entryPoints)),
    ),
  ];
}

test.for([
  ['as it is', [], ':8000'],
  ['behind a proxy', ['--trusted-proxy', '10.0.0.0/8', '--trusted-proxy', '2001:db8::1'], ':8000'],
  ['on a port', ['--bind', '80'], ':80'],
  ['on an address', ['--bind', '[2001:db8::2]:443', '--server', 'web.internal:8080'], '[2001:db8::2]:443'],
] as const)(
  'what is written has the form of the documentation, and leads nowhere that is not there: %s',
  async ([, more, address]) => {
    const { folder, fixed, changing } = await compiled(...more);
    expect(isFixed(fixed), JSON.stringify(isFixed.errors)).toBe(true);
    expect(isChanging(changing), JSON.stringify(isChanging.errors)).toBe(true);
    expect(leads(changing, fixed)).toEqual([]);
    expect(fixed.providers.file.filename).toBe(join(folder, 'postern-throttle.yml'));
    expect(fixed.accessLog.filePath).toBe('/var/log/traefik/postern-throttle.log');
    if (address !== ':8000') expect(fixed.entryPoints['web']?.address).toBe(address);
  },
);

test('the form refuses what Traefik would not know', async () => {
  const { fixed, changing } = await compiled();
  const ask = changing.http.middlewares['postern-throttle'];
  expect(isFixed({ ...fixed, accesslog: {} })).toBe(false);
  expect(isChanging({ http: { ...changing.http, middlewares: { ask: { ...ask, timeout: 5 } } } })).toBe(
    false,
  );
  expect(
    isChanging({ http: { ...changing.http, middlewares: { ask: { forwardAuth: { address: '/f' } } } } }),
  ).toBe(false);
});

test('a Unix socket is refused, and that nobody was asked is said', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-traefik-'));
  const args = ['traefik', '--out', folder, '--service', `unix:${lab.socket.path}`];
  const refused = await run('throttle compile', [...args, '--decision', 'unix:/run/postern/decision.sock']);
  expect(refused.exit).toBe(64);
  expect(refused.stderr).toContain('Traefik cannot ask a Unix socket');
  const { exit, stdout } = await run('throttle compile', [...args, '--check']);
  expect(exit).toBe(3);
  const said = stdout.replaceAll(/\s+/g, ' ');
  expect(said).toContain('Traefik was not asked');
  expect(said).toContain('answers 500 to everybody while the service is away');
});

type Asked = { readonly peer: string; readonly host?: string; readonly headers?: Record<string, string> };

/** What an entry point makes of the fields: away with them, unless the connection is of somebody it trusts. */
function entered({ fixed }: Configuration, { peer, host = 'www.example.org', headers = {} }: Asked): Headers {
  const networks = (fixed.entryPoints['web']?.forwardedHeaders?.trustedIPs ?? []).map(parseNetwork);
  const isTrusted = networks.some((network) => network !== null && contains(network, peer));
  const fields = new Headers(headers);
  if (!isTrusted)
    for (const name of ['for', 'host', 'method', 'uri', 'proto', 'port'])
      fields.delete(`x-forwarded-${name}`);
  if (!fields.has('x-forwarded-host')) fields.set('x-forwarded-host', host);
  return fields;
}

/** What forwardAuth sends, field by field. */
function authRequest(forward: Forward, fields: Headers, { peer, host = 'www.example.org' }: Asked): Headers {
  const sent = new Headers();
  for (const name of forward.authRequestHeaders) {
    const value = fields.get(name);
    if (value !== null) sent.set(name, value);
  }
  const prior = forward.trustForwardHeader ? fields.get('x-forwarded-for') : null;
  sent.set('x-forwarded-for', prior === null ? peer : `${prior}, ${peer}`);
  const own = { method: 'GET', proto: 'http', host, uri: '/page' };
  for (const [name, value] of Object.entries(own)) {
    const given = fields.get(`x-forwarded-${name}`);
    sent.set(`x-forwarded-${name}`, forward.trustForwardHeader && given !== null ? given : value);
  }
  return sent;
}

/** A request goes through entry point and middlewares. @returns the status for the client; 200 from the site */
async function through(configuration: Configuration, asked: Asked): Promise<number> {
  const { middlewares, routers } = configuration.changing.http;
  const fields = entered(configuration, asked);
  const names = [...(routers['site']?.middlewares ?? [])];
  for (let name = names.shift(); name !== undefined; name = names.shift()) {
    const { chain, headers, forwardAuth } = middlewares[name] ?? {};
    names.unshift(...(chain?.middlewares ?? []));
    for (const [field, value] of Object.entries(headers?.customRequestHeaders ?? {}))
      if (value === '') fields.delete(field);
      else fields.set(field, value);
    if (forwardAuth === undefined) continue;
    const sent = authRequest(forwardAuth, fields, asked);
    expect([...sent.keys()]).not.toContain('cookie');
    const { host, pathname } = new URL(forwardAuth.address);
    const status = await new Promise<number>((resolve, reject) => {
      const headersOfAuth = { host, ...Object.fromEntries(sent) };
      const call = request(forwardAuth.address, { path: pathname, headers: headersOfAuth }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode ?? 0));
      });
      call.on('error', reject);
      call.end();
    });
    if (status < 200 || status > 299) return status;
  }
  return 200;
}

describe('what Traefik would send is understood', () => {
  const statuses = async (configuration: Configuration, count: number, one: (index: number) => Asked) => {
    const all: number[] = [];
    for (let sent = 0; sent < count; sent += 1) all.push(await through(configuration, one(sent)));
    return all;
  };
  const served = Array(20).fill(200);
  const secrets = { cookie: 'session=1', authorization: 'Basic eDp4' };

  test('in front of everybody forged fields change nothing', async () => {
    const alone = await compiled();
    const forged = (index: number): Asked => ({
      peer: '192.0.2.1',
      headers: { 'x-forwarded-for': `198.51.100.${index}`, 'x-forwarded-host': `h${index}.test`, ...secrets },
    });
    expect(await statuses(alone, 21, forged)).toEqual([...served, 429]);
    expect(await through(alone, { peer: '192.0.2.1', host: 'second.example:8000' })).toBe(200);
    expect(await through(alone, { peer: '192.0.2.2' })).toBe(200);
  });

  test('behind a proxy of ours the client counts, and not the site that it names', async () => {
    const behind = await compiled('--trusted-proxy', '10.0.0.0/8');
    const proxied = (client: string, host: string): Asked => ({
      peer: '10.0.0.1',
      headers: { 'x-forwarded-for': `203.0.113.5, ${client}`, 'x-forwarded-host': host },
    });
    expect(await statuses(behind, 21, (index) => proxied('192.0.2.9', `h${index}.test`))).toEqual([
      ...served,
      429,
    ]);
    expect(await through(behind, proxied('192.0.2.9', 'second.example'))).toBe(429);
    expect(await through(behind, proxied('192.0.2.10', 'www.example.org'))).toBe(200);
    const direct = (index: number): Asked => ({
      peer: '192.0.2.11',
      headers: { 'x-forwarded-for': `198.51.100.${index}` },
    });
    expect(await statuses(behind, 21, direct)).toEqual([...served, 429]);
  });
});
