import { Agent, request } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { FRONTS, type Front, needsServer, SHORT_MS, until } from '../helpers/throttle-fronts.ts';
import { type Answer, type AskOptions, ask } from '../helpers/throttle-lab.ts';

// One semantic, whatever enforces it: the limit is 20 requests and 2 MB, window and block are a few seconds. Where the
// log is the count, the refusal may come late, so there "refused" is what the next requests come to.

const statusOf = async (port: number, options: AskOptions) => (await ask(port, options)).status;

/** So many requests, one after the other. */
async function times(count: number, one: (index: number) => Promise<number>): Promise<number[]> {
  const statuses: number[] = [];
  for (let sent = 0; sent < count; sent += 1) statuses.push(await one(sent));
  return statuses;
}

/** The next request is refused; where refusals come late, one of the next is. */
async function refused({ late }: Pick<Front, 'late'>, one: () => Promise<Answer>): Promise<Answer> {
  for (let tries = 0; ; tries += 1) {
    const answer = await one();
    if (answer.status !== 200 || !late || tries > 150) return answer;
    await setTimeout(100);
  }
}

/** Where windows are those of the clock, none may turn while requests are counted. */
async function early(front: Front): Promise<void> {
  const into = Date.now() % SHORT_MS;
  if (front.aligned && into > SHORT_MS / 3) await setTimeout(SHORT_MS - into + 50);
}

const served = (count: number) => Array(count).fill(200);

/** Where a refusal would come late, wait as long as it takes at most. */
const settle = (front: Front) => setTimeout(front.late ? 2500 : 0);

/** While nginx reloads, workers of before and after answer side by side. */
const reloaded = (front: Front) => setTimeout(front.late ? 1000 : 0);

/** Seconds that Retry-After stands for, given as such or as a date (RFC 9110 §10.2.3). */
function seconds(field: unknown): number {
  return /^\d+$/.test(String(field)) ? Number(field) : (Date.parse(String(field)) - Date.now()) / 1000;
}

function onConnection(port: number, agent: Agent, from: string, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, agent, localAddress: from };
    const call = request({ ...options, headers: { host: 'www.example.org' } }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
      response.on('error', reject);
    });
    // A connection that the server was about to close is no answer: ask again (RFC 9112 §9.3.1).
    call.on('error', (error) =>
      call.reusedSocket ? resolve(onConnection(port, agent, from, path)) : reject(error),
    );
    call.end();
  });
}

const proxied = (forwarded: string): AskOptions => ({
  from: '127.0.9.1',
  headers: { 'x-forwarded-for': forwarded },
});

const CASES: Readonly<Record<string, (front: Front) => Promise<void>>> = {
  'request 21 is refused, for as long as it should be and no longer, and then there is a whole quota': async (
    front,
  ) => {
    const client = { from: '127.0.1.1' };
    await early(front);
    expect(await times(20, () => statusOf(front.port, client))).toEqual(served(20));
    const page = await refused(front, () => ask(front.port, client));
    const begunMs = Date.now();
    expect(page.status).toBe(429);
    expect(page.headers['cache-control']).toBe('no-store');
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.body.length).toBeLessThan(1024);
    const left = seconds(page.headers['retry-after']);
    expect(left).toBeGreaterThan(SHORT_MS / 1000 - 4);
    expect(left).toBeLessThanOrEqual(SHORT_MS / 1000 + 1);
    await reloaded(front);
    // Other sites and clients are untouched, an alias is the same site.
    expect(await statusOf(front.port, { ...client, host: 'second.example' })).toBe(200);
    expect(await statusOf(front.port, { from: '127.0.1.2' })).toBe(200);
    expect(await statusOf(front.port, { ...client, host: 'EXAMPLE.org' })).toBe(429);
    let polls = 0;
    while ((await statusOf(front.port, client)) === 429 && polls < 400) {
      polls += 1;
      await setTimeout(100);
    }
    expect(polls).toBeGreaterThan(5);
    expect(Date.now() - begunMs).toBeGreaterThan(left * 1000 - 1500);
    await reloaded(front);
    expect(await times(19, () => statusOf(front.port, client))).toEqual(served(19));
    expect((await refused(front, () => ask(front.port, client))).status).toBe(429);
  },
  'the response that goes over the limit of bytes is served and the next refused, on one connection': async (
    front,
  ) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    await early(front);
    const one = (path: string) => onConnection(front.port, agent, '127.0.2.1', path);
    expect([await one('/1100000'), await one('/1100000')]).toEqual(served(2));
    const bytes = { late: front.late || front.lateBytes };
    const last = await refused(bytes, async () => ({ status: await one('/5'), headers: {}, body: '' }));
    expect(last.status).toBe(429);
    agent.destroy();
  },
  'one /64 is one client, and an IPv4 address written as IPv6 is that address': async (front) => {
    await early(front);
    const six = (last: number) => proxied(`2001:db8:0:1::${last.toString(16)}`);
    expect(await times(20, (index) => statusOf(front.port, six(index)))).toEqual(served(20));
    expect((await refused(front, () => ask(front.port, six(99)))).status).toBe(429);
    expect(await statusOf(front.port, proxied('2001:db8:0:2::1'))).toBe(200);
    await early(front);
    const mapped = (index: number) => proxied(index % 2 ? '192.0.2.5' : '::ffff:192.0.2.5');
    expect(await times(20, (index) => statusOf(front.port, mapped(index)))).toEqual(served(20));
    expect((await refused(front, () => ask(front.port, mapped(0)))).status).toBe(429);
    expect((await refused(front, () => ask(front.port, mapped(1)))).status).toBe(429);
    expect(await statusOf(front.port, proxied('::ffff:192.0.2.6'))).toBe(200);
  },
  'a forged X-Forwarded-For changes nothing': async (front) => {
    await early(front);
    const forged = (index: number) =>
      statusOf(front.port, { from: '127.0.3.1', headers: { 'x-forwarded-for': `198.51.100.${index}` } });
    expect(await times(20, forged)).toEqual(served(20));
    expect((await refused(front, () => ask(front.port, { from: '127.0.3.1' }))).status).toBe(429);
  },
  'invented names share one quota': async (front) => {
    await early(front);
    const invented = (index: number) => ({ from: '127.0.4.1', host: `name-${index}.test` });
    expect(await times(20, (index) => statusOf(front.port, invented(index)))).toEqual(served(20));
    expect((await refused(front, () => ask(front.port, invented(21)))).status).toBe(429);
  },
  'who is exempt passes, and a dry run refuses nobody': async (front) => {
    const each = async (options: AskOptions) => {
      expect(await times(25, () => statusOf(front.port, options))).toEqual(served(25));
      await settle(front);
      expect(await statusOf(front.port, options)).toBe(200);
    };
    await Promise.all([each({ from: '127.0.7.1' }), each({ from: '127.0.5.1', host: 'dry.example' })]);
  },
  'who is exempt on one site passes there, and on no other': async (front) => {
    const exempt = (host: string) => ({ from: '127.0.8.9', host });
    await front.lab.api('/v1/exemptions', 'POST', { network: '127.0.8.8/29', site: 'free.example' });
    // Told to a running HAProxy within a second.
    await setTimeout(front.aligned ? 2500 : 0);
    await early(front);
    expect(await times(25, () => statusOf(front.port, exempt('free.example')))).toEqual(served(25));
    await settle(front);
    expect(await statusOf(front.port, exempt('free.example'))).toBe(200);
    await early(front);
    expect(await times(20, () => statusOf(front.port, exempt('second.example')))).toEqual(served(20));
    expect((await refused(front, () => ask(front.port, exempt('second.example')))).status).toBe(429);
  },
  'all clients of a site with a budget wait when it is spent, but for who is exempt, and then go on': async (
    front,
  ) => {
    const late = { late: front.late || front.aligned };
    const client = (index: number) => ({ from: `127.0.10.${index % 200}`, host: 'budget.example' });
    expect(await times(30, (index) => statusOf(front.port, client(index)))).toEqual(served(30));
    const busy = await refused(late, () => ask(front.port, client(31)));
    expect(busy.status).toBe(503);
    expect(busy.body).toContain('Very busy');
    expect(seconds(busy.headers['retry-after'])).toBeLessThanOrEqual(SHORT_MS / 1000 + 1);
    expect(await statusOf(front.port, { from: '127.0.7.1', host: 'budget.example' })).toBe(200);
    expect(await statusOf(front.port, { from: '127.0.8.9', host: 'budget.example' })).toBe(200);
    expect(await statusOf(front.port, { from: '127.0.10.1', host: 'second.example' })).toBe(200);
    await until('the budget is there again', async () => (await statusOf(front.port, client(32))) === 200);
  },
  'what was served and refused is told, and who is near a limit': async (front) => {
    const { lab, port } = front;
    const client = { from: '127.0.11.1', host: 'figures.example' };
    type Shown = {
      traffic: { day: { servedRequests: number; servedBytes: number; refusedRequests: number } };
    };
    const day = async () => ((await lab.api('/v1/sites/figures.example')) as Shown).traffic.day;
    const answered = async (path: string) => (await ask(port, { ...client, path })).status;
    await early(front);
    expect(await answered('/1000')).toBe(200);
    // The figures of a front that counts by itself begin when it is looked at for the first time.
    await until('the service hears of it', async () => (await day()).servedRequests === 1);
    await early(front);
    expect(await times(11, () => answered('/10000'))).toEqual(served(11));
    type Top = { clients: { client: string; site: string; requests: number }[] };
    const near = async () =>
      ((await lab.api('/v1/clients?site=figures.example')) as Top).clients.find(
        (each) => each.client === client.from,
      )?.requests ?? 0;
    await until('the client is near its limit', async () => (await near()) >= 11);
    await early(front);
    const statuses = await times(20, () => answered('/5'));
    const before = 12 + statuses.filter((status) => status === 200).length;
    await until('refusals are told', async () => {
      await answered('/5');
      return (await day()).refusedRequests >= 3;
    });
    await until('bytes are told', async () => (await day()).servedBytes > 111_000);
    // Processes of one server write each in their time.
    await until('all that was served is told', async () => (await day()).servedRequests >= before - 1);
    const told = await day();
    expect(told.servedBytes).toBeLessThan(200_000);
  },
  'another preset holds without a reload by hand, and 503 is sent on request': async (front) => {
    const { lab, port } = front;
    await lab.api('/v1/sites/changed.example/policy', 'PUT', { limits: '5/2M' });
    // Told to a running HAProxy within a second.
    await setTimeout(front.aligned ? 2500 : 0);
    await early(front);
    const changed = { from: '127.0.6.1', host: 'changed.example' };
    expect(await times(5, () => statusOf(port, changed))).toEqual(served(5));
    expect((await refused(front, () => ask(port, changed))).status).toBe(429);
    await early(front);
    const old = { from: '127.0.6.2', host: 'old.example' };
    expect(await times(20, () => statusOf(port, old))).toEqual(served(20));
    expect((await refused(front, () => ask(port, old))).status).toBe(503);
  },
};

for (const [name, start] of Object.entries(FRONTS)) {
  describe.concurrent(name, () => {
    let front: Promise<Front> | undefined;
    afterAll(async () => (await front)?.close());
    test.concurrent.for(Object.entries(CASES))('%s', async ([, run], context) => {
      needsServer(context, name);
      front ??= start(SHORT_MS);
      await run(await front);
    });
  });
}
