import { expect, test } from 'vitest';
import type { Conversation, Place } from '../../../src/mx/conversation.ts';
import { createSwitchboard } from '../../../src/mx/switchboard.ts';

/** A world that counts who is connected at a time; each conversation lasts a few turns of the loop. */
function crowd() {
  const now = new Map<string, number>();
  const most = new Map<string, number>();
  const count = (key: string, by: number) => {
    now.set(key, (now.get(key) ?? 0) + by);
    most.set(key, Math.max(most.get(key) ?? 0, now.get(key) ?? 0));
  };
  const converse = async ({ host, ip }: Place) => {
    const keys = ['all', `ip ${ip}`, `provider ${host.split('.').slice(-2).join('.')}`];
    for (const key of keys) count(key, 1);
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    for (const key of keys) count(key, -1);
    return { ip } as Conversation;
  };
  return { most, converse };
}

const manners = {
  overall: 16,
  perProvider: 4,
  spacingMs: 0,
  providerOf: (host: string) => host.split('.').slice(-2).join('.'),
};

test('10,000 domains that share 200 servers make 200 connections, one at a time to any server', async () => {
  const { most, converse } = crowd();
  const board = createSwitchboard(manners, converse);
  const asked = Array.from({ length: 10_000 }, (_, index) => {
    const server = index % 200;
    return board.talk({ host: `mx${server}.provider${server % 40}.test`, ip: `192.0.2.${server}`, port: 25 });
  });
  const answers = await Promise.all(asked);
  expect(answers).toHaveLength(10_000);
  expect(board.made).toBe(200);
  expect(Math.max(...[...most].filter(([key]) => key.startsWith('ip ')).map(([, count]) => count))).toBe(1);
  expect(
    Math.max(...[...most].filter(([key]) => key.startsWith('provider ')).map(([, count]) => count)),
  ).toBeLessThanOrEqual(4);
  expect(most.get('all')).toBe(16);
});

test('one address under several names is asked for each name, one after the other', async () => {
  const { most, converse } = crowd();
  const board = createSwitchboard(manners, converse);
  await Promise.all(
    ['a.test', 'b.test', 'c.test'].map((host) => board.talk({ host, ip: '192.0.2.1', port: 25 })),
  );
  expect(board.made).toBe(3);
  expect(most.get('ip 192.0.2.1')).toBe(1);
});

test('what waits is given up when the run is interrupted', async () => {
  const stop = new AbortController();
  const board = createSwitchboard({ ...manners, spacingMs: 60_000 }, crowd().converse, stop.signal);
  const asked = ['a.test', 'b.test'].map((host) => board.talk({ host, ip: '192.0.2.1', port: 25 }));
  await asked[0];
  stop.abort(new Error('stopped'));
  await expect(asked[1]).rejects.toThrow('stopped');
  expect(board.made).toBe(1);
});

test('a provider that asks for less gets half the connections at a time', async () => {
  const { most, converse } = crowd();
  const busy = { fault: { kind: 'rejected', reply: { code: 421 } } };
  const board = createSwitchboard({ ...manners, perProvider: 4 }, async (place) => {
    const talk = await converse(place);
    return place.ip === '192.0.2.0' ? ({ ...talk, ...busy } as Conversation) : talk;
  });
  await board.talk({ host: 'mx.one.test', ip: '192.0.2.0', port: 25 });
  const ips = Array.from({ length: 12 }, (_, index) => `192.0.2.${index + 1}`);
  await Promise.all(ips.map((ip) => board.talk({ host: 'mx.one.test', ip, port: 25 })));
  expect(most.get('provider one.test')).toBe(2);
});
