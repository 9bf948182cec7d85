import type { Script } from '../redis/server.ts';
import type { Link } from './link.ts';
import { keys } from './names.ts';

/** A worker says so often that it is there, in milliseconds. */
export const PRESENT_MS = 5000;

/** One that was not heard of for so long is gone, in milliseconds. */
const GONE_MS = 15_000;

const NOW = `
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)`;

/** KEYS: workers. ARGV: worker, time until it counts as gone; 0 for one that leaves. */
const PRESENT: Script = {
  name: 'posternPresent',
  lua: `${NOW}
    redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
    if ARGV[2] == '0' then redis.call('ZREM', KEYS[1], ARGV[1])
    else
      redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
      redis.call('PEXPIRE', KEYS[1], ARGV[2])
    end
    return 1`,
};

const COUNT: Script = {
  name: 'posternCount',
  lua: `${NOW}
    return redis.call('ZCOUNT', KEYS[1], now, '+inf')`,
};

export async function sayPresent(link: Link, worker: string): Promise<void> {
  await link.run(PRESENT, [keys.workers], [worker, GONE_MS]);
}

export async function sayGone(link: Link, worker: string): Promise<void> {
  await link.run(PRESENT, [keys.workers], [worker, 0]);
}

/** How many workers there are. */
export async function workersPresent(link: Link): Promise<number> {
  return Number(await link.run(COUNT, [keys.workers], []));
}
