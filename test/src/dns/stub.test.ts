import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import type { Answer } from 'dns-packet';
import { afterEach, describe, expect, test } from 'vitest';
import { createStub, type StubOptions } from '../../../src/dns/stub.ts';
import { type DnsLab, type LabQuery, replyTo, soa, startDnsLab } from '../../helpers/dns-lab.ts';

/** Long enough never to be the reason for an outcome. */
const PATIENT_MS = 20_000;
/** For tests of silence: the outcome is the same however slow the machine. */
const HASTY_MS = 150;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function lab(handle: (query: LabQuery) => void): Promise<DnsLab> {
  const started = await startDnsLab(handle);
  cleanups.push(() => started.close());
  return started;
}

function stub(labs: DnsLab | readonly [DnsLab, ...DnsLab[]], options: Partial<StubOptions> = {}) {
  const [first, ...rest] = 'port' in labs ? ([labs] as const) : labs;
  const at = ({ port }: DnsLab) => ({ kind: 'plain', host: '127.0.0.1', port }) as const;
  const made = createStub({ servers: [at(first), ...rest.map(at)], timeoutMs: PATIENT_MS, ...options });
  cleanups.push(() => made.close());
  return made;
}

const a = (name: string, data = '192.0.2.1', ttl = 300): Answer => ({ type: 'A', name, ttl, data });
const cname = (name: string, data: string, ttl = 300): Answer => ({ type: 'CNAME', name, ttl, data });
const lower = (query: LabQuery) => query.name.toLowerCase();
const ways = (server: DnsLab) => server.queries.map(({ via }) => via);

describe('the four outcomes', () => {
  test('found, with AD believed from loopback', async () => {
    const server = await lab((query) => query.send(replyTo(query, { ad: true, answers: [a('MX.test')] })));
    expect(await stub(server).resolve('Mx.TEST.', 'A')).toEqual({
      kind: 'found',
      name: 'mx.test',
      type: 'A',
      dnssec: 'secure',
      cnames: [],
      ede: [],
      ttl: 300,
      server: `127.0.0.1:${server.port}`,
      records: ['192.0.2.1'],
      owner: 'mx.test',
    });
  });

  test('empty when the name has no such record', async () => {
    const server = await lab((query) => query.send(replyTo(query, { authorities: [soa] })));
    const answer = await stub(server).resolve('mx.test', 'TLSA');
    expect(answer).toMatchObject({ kind: 'empty', dnssec: 'insecure', ttl: 60 });
  });

  test('absent when there is no such name', async () => {
    const server = await lab((query) =>
      query.send(replyTo(query, { rcode: 3, ad: true, authorities: [soa] })),
    );
    expect(await stub(server).resolve('gone.test', 'MX')).toMatchObject({ kind: 'absent', dnssec: 'secure' });
  });

  test.for([
    [5, 'REFUSED'],
    [9, 'NOTAUTH'],
    [12, 'RCODE12'],
  ] as const)('failed for response code %s, %s, after asking twice', async ([rcode, name]) => {
    const server = await lab((query) => query.send(replyTo(query, { rcode })));
    const answer = await stub(server).resolve('mx.test', 'MX');
    expect(answer).toMatchObject({ kind: 'failed', rcode: name, dnssec: 'indeterminate' });
    expect(server.queries).toHaveLength(2);
  });

  test('failed for a referral, which is no denial', async () => {
    const ns: Answer = { type: 'NS', name: 'test', ttl: 9, data: 'ns.test' };
    const server = await lab((query) => query.send(replyTo(query, { flags: 0, authorities: [ns] })));
    expect(await stub(server).resolve('mx.test', 'MX')).toMatchObject({ kind: 'failed', rcode: 'REFERRAL' });
  });

  test('failed for records of other names only', async () => {
    const server = await lab((query) => query.send(replyTo(query, { answers: [a('other.test')] })));
    expect(await stub(server).resolve('mx.test', 'A')).toMatchObject({ kind: 'failed', rcode: 'MALFORMED' });
  });

  test('failed at once when nobody listens', async () => {
    const server = await startDnsLab(() => undefined);
    await server.close();
    expect(await stub(server).resolve('mx.test', 'A')).toMatchObject({ kind: 'failed', rcode: 'NETWORK' });
  });

  test('failed for a name that cannot be asked, without a question', async () => {
    const server = await lab(() => undefined);
    expect(await stub(server).resolve('a b..test', 'A')).toMatchObject({
      kind: 'failed',
      rcode: 'MALFORMED',
    });
    expect(server.queries).toHaveLength(0);
  });

  test('null MX: the exchange is the root', async () => {
    const mx: Answer = { type: 'MX', name: 'null.test', ttl: 1, data: { preference: 0, exchange: '.' } };
    const server = await lab((query) => query.send(replyTo(query, { answers: [mx] })));
    const answer = await stub(server).resolve('null.test', 'MX');
    expect(answer).toMatchObject({ records: [{ preference: 0, exchange: '.' }] });
  });

  test('the root itself can be asked', async () => {
    const ns: Answer = { type: 'NS', name: '.', ttl: 1, data: 'a.root.test' };
    const server = await lab((query) => query.send(replyTo(query, { answers: [ns] })));
    expect(await stub(server).resolve('.', 'NS')).toMatchObject({ name: '.', records: ['a.root.test'] });
  });

  test('a record sent twice is one record', async () => {
    const server = await lab((query) =>
      query.send(replyTo(query, { answers: [a('mx.test'), a('mx.test')] })),
    );
    expect(await stub(server).resolve('mx.test', 'A')).toMatchObject({ records: ['192.0.2.1'] });
  });
});

describe('UDP', () => {
  test('goes to TCP when the reply is cut', async () => {
    const server = await lab((query) =>
      query.send(replyTo(query, query.via === 'udp' ? { flags: 0x0380 } : { answers: [a('mx.test')] })),
    );
    expect(await stub(server).resolve('mx.test', 'A')).toMatchObject({ kind: 'found' });
    expect(ways(server)).toEqual(['udp', 'tcp']);
  });

  test('goes to TCP when the case of the name is not kept', async () => {
    const server = await lab((query) =>
      query.send(replyTo(query, { name: lower(query), answers: [a('mx.test')] })),
    );
    const resolver = stub(server, { random: (size) => new Uint8Array(size).fill(0xff) });
    expect(await resolver.resolve('mx.test', 'A')).toMatchObject({ kind: 'found' });
    expect(server.queries.map(({ name }) => name)).toEqual(['MX.TEST', 'mx.test']);
  });

  test('goes to TCP when another question is echoed', async () => {
    const server = await lab((query) =>
      query.send(
        replyTo(query, { ...(query.via === 'udp' ? { name: 'evil.test' } : {}), answers: [a('mx.test')] }),
      ),
    );
    expect(await stub(server).resolve('mx.test', 'A')).toMatchObject({ kind: 'found' });
    expect(ways(server)).toEqual(['udp', 'tcp']);
  });

  test('goes to TCP for garbage', async () => {
    const server = await lab((query) =>
      query.via === 'udp'
        ? query.raw(Buffer.from('HTTP/1.1 400'))
        : query.send(replyTo(query, { answers: [a('mx.test')] })),
    );
    // Our id is made to be "HT": with another the datagram would be passed over.
    const resolver = stub(server, { random: (size) => Buffer.alloc(size, 'HT') });
    expect(await resolver.resolve('mx.test', 'A')).toMatchObject({ kind: 'found' });
    expect(ways(server)).toEqual(['udp', 'tcp']);
  });

  test('passes over a wrong id and takes the right one behind it', async () => {
    const server = await lab((query) => {
      query.send(replyTo(query, { id: query.id ^ 1, answers: [a('mx.test', '203.0.113.66')] }));
      query.send(replyTo(query, { answers: [a('mx.test')] }));
    });
    expect(await stub(server).resolve('mx.test', 'A')).toMatchObject({ records: ['192.0.2.1'] });
    expect(ways(server)).toEqual(['udp']);
  });

  test('goes to TCP when wrong ids pour in', async () => {
    const server = await lab((query) => {
      if (query.via === 'tcp') query.send(replyTo(query, { answers: [a('mx.test')] }));
      else
        for (let guess = 1; guess <= 20; guess += 1)
          query.send(replyTo(query, { id: query.id ^ guess, answers: [a('mx.test', '203.0.113.66')] }));
    });
    expect(await stub(server).resolve('mx.test', 'A')).toMatchObject({ records: ['192.0.2.1'] });
    expect(ways(server)).toEqual(['udp', 'tcp']);
  });

  test('says what came of TCP when that fails, too', async () => {
    const server = await lab((query) =>
      query.via === 'udp' ? query.send(replyTo(query, { flags: 0x0380 })) : query.hangUp(),
    );
    const answer = await stub(server).resolve('mx.test', 'A');
    expect(answer).toMatchObject({ kind: 'failed', rcode: 'NETWORK' });
    expect(answer).toHaveProperty('message', expect.stringContaining('truncated'));
  });
});

describe('TCP', () => {
  const cut = (query: LabQuery) => query.send(replyTo(query, { flags: 0x0380 }));

  test.for([
    ['a reply to another question', { name: 'evil.test' }],
    ['a reply that is cut even here', { flags: 0x0380 }],
  ] as const)('%s is malformed', async ([, bent]) => {
    const server = await lab((query) =>
      query.via === 'udp' ? cut(query) : query.send(replyTo(query, bent)),
    );
    expect(await stub(server).resolve('mx.test', 'A')).toMatchObject({ kind: 'failed', rcode: 'MALFORMED' });
  });

  test('bytes that drip are put together', async () => {
    const server = await lab((query) => {
      if (query.via === 'udp') return cut(query);
      const message = replyTo(query, { answers: [a('mx.test')] });
      const bytes = Buffer.concat([Buffer.from([0, message.length]), message]);
      const drip = (at: number): void => {
        query.raw(bytes.subarray(at, at + 1));
        if (at + 1 < bytes.length) setImmediate(drip, at + 1);
      };
      return drip(0);
    });
    expect(await stub(server).resolve('mx.test', 'A')).toMatchObject({ kind: 'found' });
  });

  test('a drip that never ends ends with the time', async () => {
    const server = await lab((query) => {
      if (query.via === 'udp') return cut(query);
      return query.raw(Buffer.from([0, 200, 1, 2, 3]));
    });
    const hasty = stub(server, { timeoutMs: HASTY_MS, retries: 0 });
    expect(await hasty.resolve('mx.test', 'A')).toMatchObject({ kind: 'failed', rcode: 'TIMEOUT' });
  });

  test('one connection carries many questions, answered in any order', async () => {
    const held: LabQuery[] = [];
    const server = await lab((query) => {
      if (query.via === 'udp') return cut(query);
      held.push(query);
      if (held.length < 20) return undefined;
      for (const late of held.splice(0).reverse())
        late.send(replyTo(late, { answers: [a(lower(late), `192.0.2.${late.name.slice(1, -5)}`)] }));
      return undefined;
    });
    const names = Array.from({ length: 20 }, (_, index) => `h${index}.test`);
    const resolver = stub(server);
    const answers = await Promise.all(names.map((name) => resolver.resolve(name, 'A')));
    expect(answers.map((answer) => (answer.kind === 'found' ? answer.records : answer))).toEqual(
      names.map((_, index) => [`192.0.2.${index}`]),
    );
  });

  test('a kept connection that is gone is opened again', async () => {
    const server = await lab((query) => {
      if (query.via === 'udp') return cut(query);
      query.send(replyTo(query, { answers: [a(lower(query))] }));
      return query.hangUp();
    });
    const resolver = stub(server, { retries: 0 });
    for (const name of ['one.test', 'two.test', 'three.test'])
      expect(await resolver.resolve(name, 'A')).toMatchObject({ kind: 'found' });
  });
});

describe('patience', () => {
  test('a dropped first packet costs a retry, no more', async () => {
    const server = await lab((query) => {
      if (query.index > 0) query.send(replyTo(query, { answers: [a('mx.test')] }));
    });
    expect(await stub(server, { timeoutMs: HASTY_MS, retries: 5 }).resolve('mx.test', 'A')).toMatchObject({
      kind: 'found',
    });
  });

  test('silence is a time-out', async () => {
    const server = await lab(() => undefined);
    const answer = await stub(server, { timeoutMs: HASTY_MS }).resolve('mx.test', 'A');
    expect(answer).toMatchObject({ kind: 'failed', rcode: 'TIMEOUT', dnssec: 'indeterminate' });
    expect(server.queries.length).toBeLessThanOrEqual(2);
  });

  test('the next server is asked, and first from then on', async () => {
    const dead = await lab((query) => query.send(replyTo(query, { rcode: 5 })));
    const alive = await lab((query) => query.send(replyTo(query, { answers: [a(lower(query))] })));
    const resolver = stub([dead, alive]);
    expect(await resolver.resolve('one.test', 'A')).toMatchObject({ server: `127.0.0.1:${alive.port}` });
    expect(await resolver.resolve('two.test', 'A')).toMatchObject({ kind: 'found' });
    expect(dead.queries).toHaveLength(1);
  });

  test('a budget that is spent is a failure', async () => {
    const server = await lab((query) => query.send(replyTo(query, { answers: [a(lower(query))] })));
    const resolver = stub(server, { budget: 1 });
    expect(await resolver.resolve('one.test', 'A')).toMatchObject({ kind: 'found' });
    expect(await resolver.resolve('two.test', 'A')).toMatchObject({ kind: 'failed', rcode: 'BUDGET' });
    expect(server.queries).toHaveLength(1);
  });

  test('closing ends what is under way', async () => {
    const resolver = stub(await lab(() => resolver.close()));
    expect(await resolver.resolve('mx.test', 'A')).toMatchObject({ kind: 'failed', rcode: 'NETWORK' });
    expect(await resolver.resolve('mx.test', 'A')).toMatchObject({ kind: 'failed', rcode: 'NETWORK' });
  });

  test('a signal closes', async () => {
    const controller = new AbortController();
    const resolver = stub(await lab(() => controller.abort()), { signal: controller.signal });
    expect(await resolver.resolve('mx.test', 'A')).toMatchObject({ kind: 'failed', rcode: 'NETWORK' });
  });

  test('no more than so many questions are under way', async () => {
    const held: LabQuery[] = [];
    let most = 0;
    const server = await lab((query) => {
      held.push(query);
      most = Math.max(most, held.length);
      setImmediate(() => {
        held.splice(held.indexOf(query), 1);
        query.send(replyTo(query, { answers: [a(lower(query))] }));
      });
    });
    const resolver = stub(server, { parallel: 3 });
    await Promise.all(Array.from({ length: 30 }, (_, index) => resolver.resolve(`h${index}.test`, 'A')));
    expect(most).toBeLessThanOrEqual(3);
  });
});

describe('memory', () => {
  test('a question under way is asked once', async () => {
    const server = await lab((query) => query.send(replyTo(query, { answers: [a('mx.test')] })));
    const resolver = stub(server);
    const [one, two] = await Promise.all([
      resolver.resolve('mx.test', 'A'),
      resolver.resolve('MX.test.', 'A'),
    ]);
    expect(one).toEqual(two);
    expect(server.queries).toHaveLength(1);
  });

  test('an answer is kept for its time to live, which runs down', async () => {
    let nowMs = 1000;
    const server = await lab((query) =>
      query.send(replyTo(query, { answers: [a('mx.test', '192.0.2.1', 10)] })),
    );
    const resolver = stub(server, { nowMs: () => nowMs });
    await resolver.resolve('mx.test', 'A');
    nowMs += 4000;
    expect(await resolver.resolve('mx.test', 'A')).toMatchObject({ ttl: 6 });
    expect(server.queries).toHaveLength(1);
    nowMs += 6000;
    expect(await resolver.resolve('mx.test', 'A')).toMatchObject({ ttl: 10 });
    expect(server.queries).toHaveLength(2);
  });

  test('a failure is not kept', async () => {
    const server = await lab((query) =>
      query.send(replyTo(query, query.index < 2 ? { rcode: 5 } : { answers: [a('mx.test')] })),
    );
    const resolver = stub(server);
    expect(await resolver.resolve('mx.test', 'A')).toMatchObject({ kind: 'failed' });
    expect(await resolver.resolve('mx.test', 'A')).toMatchObject({ kind: 'found' });
  });

  test('no more than so many answers are kept', async () => {
    const server = await lab((query) => query.send(replyTo(query, { answers: [a(lower(query))] })));
    const resolver = stub(server, { cacheSize: 2 });
    for (const name of ['one.test', 'two.test', 'three.test', 'three.test', 'one.test'])
      await resolver.resolve(name, 'A');
    expect(server.queries.map(lower)).toEqual(['one.test', 'two.test', 'three.test', 'one.test']);
  });
});

describe('CNAME', () => {
  test('is followed inside the reply', async () => {
    const answers = [cname('mx.test', 'b.test', 20), cname('b.test', 'c.test'), a('c.test')];
    const server = await lab((query) => query.send(replyTo(query, { answers })));
    expect(await stub(server).resolve('mx.test', 'A')).toMatchObject({
      kind: 'found',
      cnames: ['mx.test', 'b.test'],
      owner: 'c.test',
      ttl: 20,
    });
    expect(server.queries).toHaveLength(1);
  });

  test('whose end is missing is asked for again; the weakest link decides about DNSSEC', async () => {
    const server = await lab((query) =>
      query.send(
        lower(query) === 'mx.test'
          ? replyTo(query, { ad: true, answers: [cname('mx.test', 'far.test')] })
          : replyTo(query, { answers: [a('far.test')] }),
      ),
    );
    const answer = await stub(server).resolve('mx.test', 'A');
    expect(answer).toMatchObject({
      kind: 'found',
      owner: 'far.test',
      dnssec: 'insecure',
      cnames: ['mx.test'],
    });
  });

  test('to a name that does not exist is absent, and says where it ended', async () => {
    const answers = [cname('mx.test', 'gone.test')];
    const server = await lab((query) =>
      query.send(replyTo(query, { rcode: 3, answers, authorities: [soa] })),
    );
    expect(await stub(server).resolve('mx.test', 'A')).toMatchObject({
      kind: 'absent',
      cnames: ['mx.test'],
      owner: 'gone.test',
    });
  });

  test('to a name without the type is empty', async () => {
    const answers = [cname('mx.test', 'bare.test')];
    const server = await lab((query) => query.send(replyTo(query, { answers, authorities: [soa] })));
    expect(await stub(server).resolve('mx.test', 'A')).toMatchObject({ kind: 'empty', owner: 'bare.test' });
    expect(server.queries).toHaveLength(1);
  });

  test('in a circle fails', async () => {
    const answers = [cname('mx.test', 'b.test'), cname('b.test', 'mx.test')];
    const server = await lab((query) => query.send(replyTo(query, { answers })));
    expect(await stub(server).resolve('mx.test', 'A')).toMatchObject({ kind: 'failed', rcode: 'LOOP' });
  });

  test('in a circle through several replies fails', async () => {
    const server = await lab((query) => {
      const next = lower(query) === 'mx.test' ? 'b.test' : 'mx.test';
      query.send(replyTo(query, { answers: [cname(query.name, next)] }));
    });
    expect(await stub(server).resolve('mx.test', 'A')).toMatchObject({ kind: 'failed', rcode: 'LOOP' });
    expect(server.queries).toHaveLength(2);
  });

  test.for([
    [8, 'found'],
    [9, 'failed'],
  ] as const)('through %s names is %s', async ([count, kind]) => {
    const links = Array.from({ length: count }, (_, index) => cname(`h${index}.test`, `h${index + 1}.test`));
    const answers = [...links, a(`h${count}.test`)];
    const server = await lab((query) => query.send(replyTo(query, { answers })));
    expect(await stub(server).resolve('h0.test', 'A')).toMatchObject({ kind });
  });

  test('is an answer where it is what was asked for', async () => {
    const server = await lab((query) =>
      query.send(replyTo(query, { answers: [cname('mx.test', 'b.test')] })),
    );
    expect(await stub(server).resolve('mx.test', 'CNAME')).toMatchObject({ records: ['b.test'], cnames: [] });
  });
});

describe('DNSSEC', () => {
  test('AD is not believed from afar unless told to', async () => {
    const server = await lab((query) => query.send(replyTo(query, { ad: true, answers: [a('mx.test')] })));
    // 0.0.0.0 reaches loopback on Linux and is not a loopback address.
    const servers = [{ kind: 'plain', host: '0.0.0.0', port: server.port }] as const;
    expect(await stub(server, { servers }).resolve('mx.test', 'A')).toMatchObject({ dnssec: 'untrusted' });
    expect(await stub(server, { servers, trustAd: true }).resolve('mx.test', 'A')).toMatchObject({
      dnssec: 'secure',
    });
  });

  test.for([6, 7, 8, 9, 10])('SERVFAIL with extended error %s is bogus, and final', async (code) => {
    const server = await lab((query) => query.send(replyTo(query, { rcode: 2, ede: [[code, 'too old']] })));
    const other = await lab((query) => query.send(replyTo(query, { answers: [a('mx.test')] })));
    const answer = await stub([server, other]).resolve('mx.test', 'A');
    expect(answer).toMatchObject({ kind: 'failed', rcode: 'SERVFAIL', dnssec: 'bogus' });
    expect(answer.ede).toMatchObject([{ code, text: 'too old' }]);
    expect(other.queries).toHaveLength(0);
  });

  test('SERVFAIL that goes away with checking disabled, and comes back, is bogus', async () => {
    const server = await lab((query) =>
      query.send(replyTo(query, query.checkingDisabled ? { answers: [a('mx.test')] } : { rcode: 2 })),
    );
    expect(await stub(server).resolve('mx.test', 'A')).toMatchObject({ rcode: 'SERVFAIL', dnssec: 'bogus' });
    expect(server.queries.map((query) => query.checkingDisabled)).toEqual([false, true, false]);
  });

  test('SERVFAIL that merely passes is no verdict', async () => {
    const server = await lab((query) =>
      query.send(replyTo(query, query.index === 0 ? { rcode: 2 } : { ad: true, answers: [a('mx.test')] })),
    );
    expect(await stub(server).resolve('mx.test', 'A')).toMatchObject({ kind: 'found', dnssec: 'secure' });
  });

  test('SERVFAIL either way tells nothing of DNSSEC, and the next server is asked', async () => {
    const server = await lab((query) => query.send(replyTo(query, { rcode: 2, ede: [[22, '']] })));
    const other = await lab((query) => query.send(replyTo(query, { answers: [a('mx.test')] })));
    const alone = await stub(server).resolve('mx.test', 'A');
    expect(alone).toMatchObject({ kind: 'failed', rcode: 'SERVFAIL', dnssec: 'indeterminate' });
    expect(alone.ede).toMatchObject([{ code: 22, name: 'No Reachable Authority' }]);
    expect(await stub([server, other]).resolve('mx.test', 'A')).toMatchObject({ kind: 'found' });
  });
});

test('a server that does not know EDNS is asked without', async () => {
  const server = await lab((query) =>
    query.send(replyTo(query, query.edns ? { rcode: 1 } : { answers: [a('mx.test')] })),
  );
  expect(await stub(server).resolve('mx.test', 'A')).toMatchObject({ kind: 'found' });
  expect(server.queries.map(({ edns }) => edns)).toEqual([true, false]);
});

test('a server given by name is looked up', async () => {
  const server = await lab((query) => query.send(replyTo(query, { ad: true, answers: [a('mx.test')] })));
  const servers = [{ kind: 'plain', host: 'localhost', port: server.port }] as const;
  const answer = await stub(server, { servers }).resolve('mx.test', 'A');
  // Where localhost is ::1 nobody listens; either way it is loopback, by its address.
  expect([answer.kind, answer.dnssec]).toEqual(
    answer.kind === 'found' ? ['found', 'secure'] : ['failed', 'indeterminate'],
  );
});

test('a kept connection does not keep the process alive', async () => {
  const server = await lab((query) =>
    query.send(replyTo(query, query.via === 'udp' ? { flags: 0x0380 } : { answers: [a(lower(query))] })),
  );
  const source = new URL('../../../src/dns/stub.ts', import.meta.url).href;
  const script = `
    const { createStub } = await import(${JSON.stringify(source)});
    const stub = createStub({ servers: [{ kind: 'plain', host: '127.0.0.1', port: ${server.port} }] });
    console.log((await stub.resolve('mx.test', 'A')).kind);`;
  // Nothing is closed, and the server keeps its end open: only an idle connection that holds nothing can end.
  const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
  const printed = await text(child.stdout);
  expect(printed).toBe('found\n');
  expect(ways(server)).toEqual(['udp', 'tcp']);
});
