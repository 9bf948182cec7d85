import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Conversation } from '../../../src/mx/conversation.ts';
import { Gate, SPACING_MS } from '../../../src/mx/switchboard.ts';
import { type Link, openLink } from '../../../src/probe-queue/link.ts';
import { keys } from '../../../src/probe-queue/names.ts';
import { packConversation, unpackConversation } from '../../../src/probe-queue/saved-conversation.ts';
import { ServerBusy, sharedSwitchboard, TurnLost } from '../../../src/probe-queue/switchboard.ts';
import { LEASE_MS } from '../../../src/probe-queue/turns.ts';
import { parseRedisUrl } from '../../../src/redis/place.ts';
import { hasRedis, RedisLab } from '../../helpers/redis.ts';

// Several workers in one process, each with a connection of its own, and servers that are promises.

if (hasRedis()) suite();
else test.skip('Redis is missing: apt-get install redis-server');

const SAID: Conversation = {
  ip: '192.0.2.1',
  port: 25,
  phase: 'ehlo-tls',
  fault: null,
  banner: { code: 220, lines: ['mx.example ESMTP'], oddities: ['bare-lf'] },
  ehlo: { name: 'mx.example', extensions: new Map([['STARTTLS', '']]) },
  ehloInTls: { name: 'mx.example', extensions: new Map([['SIZE', '1000']]) },
  starttls: 'offered',
  tls: {
    version: 'TLSv1.3',
    cipher: 'TLS_AES_256_GCM_SHA384',
    group: 'X25519MLKEM768',
    postQuantum: true,
    certificate: null,
    chain: [Buffer.from('first'), Buffer.from('second')],
  },
  elapsedMs: 12,
};

const SILENT: Conversation = {
  ...SAID,
  phase: 'connect',
  fault: { phase: 'connect', kind: 'timeout', message: 'no answer' },
  starttls: 'unknown',
};

const SPARE_ME: Conversation = {
  ...SAID,
  phase: 'banner',
  fault: {
    phase: 'banner',
    kind: 'rejected',
    message: 'later',
    reply: { code: 421, lines: ['later'], oddities: [] },
  },
};

/** A conversation that somebody else ends. */
type Held = { readonly ip: string; readonly signal: AbortSignal; end(talk?: Conversation): void };

function suite(): void {
  let redis: RedisLab;
  const links: Link[] = [];
  beforeAll(async () => {
    redis = await RedisLab.start();
  });
  afterEach(async () => {
    for (const link of links.splice(0)) link.close();
    await redis.ask(0, 'FLUSHDB');
  });
  afterAll(() => redis.close());

  async function worker(run = 'a') {
    const link = await openLink({
      server: parseRedisUrl(redis.url(0), 'queue'),
      password: () => redis.password,
      patienceMs: 60_000,
    });
    links.push(link);
    const held: Held[] = [];
    const waiting: (() => void)[] = [];
    const stopping = new AbortController();
    const { talk } = sharedSwitchboard({
      link,
      run,
      providerOf: (host) => host.split('.').slice(-2).join('.'),
      converse: ({ ip }, _, signal) =>
        new Promise((resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason));
          held.push({ ip, signal, end: (talk = SAID) => resolve({ ...talk, ip }) });
          for (const wake of waiting.splice(0)) wake();
        }),
      everyone: new Gate(64),
      stopping: stopping.signal,
      signal: new AbortController().signal,
    });
    const begun = async (count: number): Promise<Held[]> => {
      while (held.length < count) await new Promise<void>((resolve) => waiting.push(resolve));
      return held;
    };
    return {
      held,
      begun,
      stopping,
      ask: (ip: string, host = 'mx.example.org') => talk({ host, ip, port: 25 }),
    };
  }

  test('what one worker has heard the others of the run are told, word for word', async () => {
    const [one, two] = [await worker(), await worker()];
    const [first, second] = [one.ask('192.0.2.1'), two.ask('192.0.2.1')];
    const [held] = await Promise.race([one.begun(1), two.begun(1)]);
    held?.end();
    expect(await first).toEqual(SAID);
    expect(await second).toEqual(SAID);
    expect(one.held.length + two.held.length).toBe(1);
  });

  test('a conversation comes back from its text as it was', async () => {
    expect(await unpackConversation(packConversation(SAID) ?? '')).toEqual(SAID);
    expect(await unpackConversation(packConversation(SPARE_ME) ?? '')).toEqual(SPARE_ME);
    for (const text of [
      '',
      '{',
      'null',
      '{"ip":"192.0.2.1"}',
      JSON.stringify({ ...SAID, tls: { chain: [1] } }),
    ])
      expect(await unpackConversation(text)).toBeUndefined();
  });

  test('silence is not passed on: another machine may reach the server', async () => {
    const [one, two] = [await worker(), await worker()];
    const first = one.ask('192.0.2.1');
    const [silent] = await one.begun(1);
    silent?.end(SILENT);
    expect((await first).fault?.kind).toBe('timeout');
    expect((await one.ask('192.0.2.1')).fault?.kind).toBe('timeout');
    const second = two.ask('192.0.2.1');
    const [heard] = await two.begun(1);
    heard?.end();
    expect((await second).fault).toBeNull();
    expect(one.held).toHaveLength(1);
  });

  test('an answer that cannot be read is asked for again', async () => {
    const one = await worker();
    const first = one.ask('192.0.2.1');
    (await one.begun(1))[0]?.end();
    await first;
    const [field = ''] = (await redis.ask(0, 'HKEYS', keys.said('a'))) as string[];
    await redis.ask(0, 'HSET', keys.said('a'), field, '{"ip":');
    const two = await worker();
    const second = two.ask('192.0.2.1');
    (await two.begun(1))[0]?.end();
    expect(await second).toEqual(SAID);
  });

  test('runs have no answers in common, but servers have one rest for all of them', async () => {
    const [one, two] = [await worker('a'), await worker('b')];
    const first = one.ask('192.0.2.1');
    const [held] = await one.begun(1);
    const second = two.ask('192.0.2.1');
    held?.end();
    await first;
    const endedMs = performance.now();
    (await two.begun(1))[0]?.end();
    expect(performance.now() - endedMs).toBeGreaterThan(SPACING_MS - 100);
    await second;
  });

  test('a provider gets four connections from all workers together, and half of them once it asks for less', async () => {
    const [one, two] = [await worker(), await worker()];
    const asked = [1, 2, 3, 4, 5, 6].map((number) =>
      (number % 2 ? one : two).ask(`192.0.2.${number}`).catch((error: unknown) => error),
    );
    const all = () => [...one.held, ...two.held];
    while (all().length < 4)
      await Promise.race([one.begun(one.held.length + 1), two.begun(two.held.length + 1)]);
    const told = await Promise.all(asked.map((each) => Promise.race([each, 'open'])));
    expect(told).toEqual(Array(6).fill('open'));
    // The other two give up, to come again.
    const served = new Set(all().map(({ ip }) => ip));
    await Promise.all(asked.filter((_, index) => !served.has(`192.0.2.${index + 1}`)));
    expect(all()).toHaveLength(4);
    for (const held of all()) held.end(SPARE_ME);
    const ends = await Promise.all(asked);
    expect(ends.filter((end) => end instanceof ServerBusy)).toHaveLength(2);
    expect(await redis.ask(0, 'GET', keys.less('example.org'))).toBe('1');
  });

  test('a turn lasts as long as the conversation, and who waits for too long is sent away', async () => {
    const [one, two] = [await worker(), await worker()];
    const first = one.ask('192.0.2.1', 'mx1.example.org');
    const [held] = await one.begun(1);
    const untilMs = performance.now() + LEASE_MS + 2000;
    while (performance.now() < untilMs)
      await expect(two.ask('192.0.2.1', 'mx2.example.org')).rejects.toBeInstanceOf(ServerBusy);
    expect(two.held).toEqual([]);
    held?.end();
    await first;
  });

  test('a conversation is broken off before others think that it is over, when the queue is out of reach', async () => {
    const one = await worker();
    const first = one.ask('192.0.2.1');
    const [held] = await one.begun(1);
    redis.signal('SIGSTOP');
    onTestFinished(() => redis.signal('SIGCONT'));
    const begunMs = performance.now();
    await new Promise((resolve) => held?.signal.addEventListener('abort', resolve));
    expect(held?.signal.reason).toBeInstanceOf(TurnLost);
    expect(performance.now() - begunMs).toBeLessThan(LEASE_MS);
    redis.signal('SIGCONT');
    await expect(first).rejects.toBeInstanceOf(TurnLost);
  });

  test('who stops no longer waits for a turn', async () => {
    const [one, two] = [await worker(), await worker()];
    const first = one.ask('192.0.2.1', 'mx1.example.org');
    const [held] = await one.begun(1);
    const second = two.ask('192.0.2.1', 'mx2.example.org');
    two.stopping.abort(new Error('stopped'));
    await expect(second).rejects.toThrow('stopped');
    held?.end();
    await first;
  });
}
