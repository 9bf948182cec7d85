import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { throttleOpenApi } from '../../../src/schema/openapi.ts';
import { throttleApi, throttleFailure } from '../../../src/schema/throttle.ts';
import { EventHub } from '../../../src/service/events.ts';
import { Metrics } from '../../../src/service/metrics.ts';
import { adminRoutes } from '../../../src/throttle/admin.ts';
import { dashboardRoute } from '../../../src/throttle/service.ts';
import { root } from '../../helpers/run.ts';
import { ask, startThrottleLab, type ThrottleLab } from '../../helpers/throttle-lab.ts';

type Document = {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { operationId: string }>>>>;
};

const FILE = `${root}data/throttle-openapi.json`;
const text = readFileSync(FILE, 'utf8');
const document = JSON.parse(text) as Document;
let lab: ThrottleLab;

beforeAll(async () => {
  lab = await startThrottleLab({ openApi: text, exemptLoopback: false });
});
afterAll(() => lab.close());

test('the document is fresh, and the service gives it out', async () => {
  expect(document).toEqual(throttleOpenApi());
  expect(await lab.api('/v1/openapi.json')).toEqual(document);
});

test('it names every route of the service and no other', () => {
  const about = {
    version: '',
    sinceMs: 0,
    listening: () => [],
    savedMs: () => null,
    trusted: [],
    events: new EventHub(),
    openApi: null,
  };
  const routes = {
    ...adminRoutes(lab.daemon.warden, about, new Metrics()),
    ...dashboardRoute(null, () => undefined),
  };
  expect(new Set(Object.keys(throttleApi))).toEqual(new Set(Object.keys(routes)));
});

test('operations have names of their own, and every schema in it can be compiled', () => {
  const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
  const ids = operations.map(({ operationId }) => operationId);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids).toEqual(expect.arrayContaining(['getSitesByName', 'deleteBlocksByClient', 'getOpenapiJson']));
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  let schemas = 0;
  JSON.stringify(document, (key, value: unknown) => {
    if (key === 'schema') {
      ajv.compile(value as object);
      schemas += 1;
    }
    return value;
  });
  expect(schemas).toBeGreaterThan(30);
});

describe('the service answers as the document says', () => {
  const strict = async (route: string, path: string, body?: unknown) => {
    const method = route.split(' ')[0] as 'GET';
    const operation = throttleApi[route];
    if (body !== undefined) operation?.body?.parse(body);
    return (operation?.answer as z.ZodType | undefined)?.parse(await lab.api(path, method, body));
  };

  test('whatever it is asked', async () => {
    const site = { name: 'a.example', limits: '3/2M', budget: '100/1G', aliases: ['b.example'], note: 'x' };
    await strict('POST /v1/sites', '/v1/sites', site);
    for (let sent = 0; sent < 5; sent += 1) await ask(lab.port, { host: 'a.example' });
    await strict('PUT /v1/sites/:name', '/v1/sites/a.example', { refusal: 503 });
    await strict('PUT /v1/sites/:name/policy', '/v1/sites/a.example/policy', {
      limits: '20/2M',
      forSeconds: 60,
    });
    await strict('PUT /v1/policy', '/v1/policy', { mode: 'dry' });
    await strict('POST /v1/blocks', '/v1/blocks', { site: 'other', client: '192.0.2.1', reason: 'x' });
    await strict('POST /v1/exemptions', '/v1/exemptions', { network: '192.0.2.0/24', forSeconds: 60 });
    for (const [route, path] of [
      ['GET /v1/sites', '/v1/sites'],
      ['GET /v1/sites/:name', '/v1/sites/a.example'],
      ['GET /v1/blocks', '/v1/blocks?site=a.example'],
      ['GET /v1/exemptions', '/v1/exemptions'],
      ['GET /v1/clients', '/v1/clients?limit=3'],
      ['GET /v1/explain/:client', '/v1/explain/127.0.0.1'],
      ['GET /v1/status', '/v1/status'],
      ['GET /healthz', '/healthz'],
      ['DELETE /v1/blocks/:client', '/v1/blocks/127.0.0.1'],
      ['DELETE /v1/exemptions/:network', '/v1/exemptions/192.0.2.0%2F24'],
      ['DELETE /v1/sites/:name', '/v1/sites/a.example'],
    ] as const)
      await strict(route, path);
  });

  test('and so do its failures', async () => {
    const call = (path: string) =>
      lab.api(path).then(
        () => null,
        (error: { code: string; message: string; hint?: string; exit: number }) => error,
      );
    const failure = await call('/v1/sites/none.example');
    const { code = '', message = '', hint, exit = 0 } = failure ?? {};
    throttleFailure.parse({ error: { code, message, hint, exit } });
    expect(code).toBe('E_NOT_FOUND');
  });
});
