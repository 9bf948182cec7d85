import { MAX_KEPT, PER_PROVIDER, SPACING_MS } from '../mx/switchboard.ts';
import type { Script } from '../redis/server.ts';
import type { Link } from './link.ts';
import { keys, questionField } from './names.ts';

/** How long a turn lasts when nobody says that it goes on, in milliseconds. */
export const LEASE_MS = 10_000;

/**
 * A turn is kept up so often. What is left of a lease when its worker dies is more than the spacing, so that the next
 * one keeps its distance as well.
 */
export const RENEW_MS = 3000;

/** How long a provider that asked for less is spared, in milliseconds. */
const SPARE_MS = 3_600_000;

/** How long an answer is shared after the last one of its run, in milliseconds. */
const SHARE_MS = 3_600_000;

/** What a free place is waited for before it is looked for again, in milliseconds. */
const AGAIN_MS = 400;

/**
 * An answer that others have got, or the turn to ask; or how long to wait. By the server's clock alone, and asking twice
 * does no harm. KEYS: turn, rest, provider, less, said. ARGV: token, lease, places of a provider, question, again.
 */
const TAKE: Script = {
  name: 'posternTake',
  lua: `
    local said = redis.call('HGET', KEYS[5], ARGV[4])
    if said then return {'said', said} end
    local holder = redis.call('GET', KEYS[1])
    if holder == ARGV[1] then return {'go'} end
    if holder then return {'wait', ARGV[5]} end
    local rest = redis.call('PTTL', KEYS[2])
    if rest > 0 then return {'wait', rest} end
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
    local places = tonumber(redis.call('GET', KEYS[4]) or ARGV[3])
    if redis.call('ZCARD', KEYS[3]) >= places then return {'wait', ARGV[5]} end
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
    redis.call('ZADD', KEYS[3], now + ARGV[2], ARGV[1])
    redis.call('PEXPIRE', KEYS[3], ARGV[2] * 2)
    return {'go'}`,
};

/**
 * KEYS: turn, provider. ARGV: token, lease. 0 when the turn is somebody else's by now; one that a server has forgotten
 * when it was started anew is taken again.
 */
const RENEW: Script = {
  name: 'posternRenew',
  lua: `
    local holder = redis.call('GET', KEYS[1])
    if holder and holder ~= ARGV[1] then return 0 end
    local time = redis.call('TIME')
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
    redis.call('ZADD', KEYS[2], time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2], ARGV[1])
    redis.call('PEXPIRE', KEYS[2], ARGV[2] * 2)
    return 1`,
};

/**
 * The end of a turn: the server gets its rest, its provider the place back, the run what was said.
 * KEYS: turn, rest, provider, less, said, order. ARGV: token, spacing, places, spare, question, answer, most, share.
 * No spare time where the provider did not ask for less, no answer where it is not to be shared.
 */
const END: Script = {
  name: 'posternEnd',
  lua: `
    if redis.call('GET', KEYS[1]) == ARGV[1] then
      redis.call('DEL', KEYS[1])
      redis.call('SET', KEYS[2], '1', 'PX', ARGV[2])
    end
    redis.call('ZREM', KEYS[3], ARGV[1])
    if ARGV[4] ~= '' then
      local places = tonumber(redis.call('GET', KEYS[4]) or ARGV[3])
      redis.call('SET', KEYS[4], math.max(1, math.floor(places / 2)), 'PX', ARGV[4])
    end
    if ARGV[6] ~= '' then
      if redis.call('HSET', KEYS[5], ARGV[5], ARGV[6]) == 1 then
        redis.call('RPUSH', KEYS[6], ARGV[5])
        if redis.call('LLEN', KEYS[6]) > tonumber(ARGV[7]) then
          redis.call('HDEL', KEYS[5], redis.call('LPOP', KEYS[6]))
        end
      end
      redis.call('PEXPIRE', KEYS[5], ARGV[8])
      redis.call('PEXPIRE', KEYS[6], ARGV[8])
    end
    return 1`,
};

/** A question of a run to a server, and who holds it. */
export type Turn = {
  readonly run: string;
  readonly ip: string;
  readonly provider: string;
  readonly question: string;
  /** Of this turn alone. */
  readonly token: string;
};

export type Taken =
  | { readonly kind: 'go' }
  /** Another worker has asked for this run already. */
  | { readonly kind: 'said'; readonly text: string }
  | { readonly kind: 'wait'; readonly ms: number };

/** Ask for a turn with a server. */
export async function takeTurn(link: Link, { run, ip, provider, question, token }: Turn): Promise<Taken> {
  const [kind, value] = (await link.run(
    TAKE,
    [keys.turn(ip), keys.rest(ip), keys.provider(provider), keys.less(provider), keys.said(run)],
    [token, LEASE_MS, PER_PROVIDER, questionField(question), AGAIN_MS],
  )) as [string, string?];
  if (kind === 'said') return { kind, text: value ?? '' };
  return kind === 'go' ? { kind } : { kind: 'wait', ms: Number(value ?? AGAIN_MS) };
}

/** Forget an answer that cannot be read, so that the server is asked again. */
export async function forgetAnswer({ redis }: Link, { run, question }: Turn): Promise<void> {
  await redis.hdel(keys.said(run), questionField(question));
}

/** Say that a conversation goes on. @returns false when the turn has been lost */
export async function renewTurn(link: Link, { ip, provider, token }: Turn): Promise<boolean> {
  return (await link.run(RENEW, [keys.turn(ip), keys.provider(provider)], [token, LEASE_MS])) === 1;
}

/**
 * Give a turn back.
 *
 * @param answer  for the others of the run; null where this machine may be to blame for it, or there is none
 * @param less    the server asked for less
 */
export async function endTurn(
  link: Link,
  { run, ip, provider, question, token }: Turn,
  { answer, less }: { readonly answer: string | null; readonly less: boolean },
): Promise<void> {
  await link.run(
    END,
    [
      keys.turn(ip),
      keys.rest(ip),
      keys.provider(provider),
      keys.less(provider),
      keys.said(run),
      keys.order(run),
    ],
    [
      token,
      SPACING_MS,
      PER_PROVIDER,
      less ? SPARE_MS : '',
      questionField(question),
      answer ?? '',
      MAX_KEPT,
      SHARE_MS,
    ],
  );
}
