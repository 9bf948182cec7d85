import { Limits } from './limits.ts';
import { Turns } from './turns.ts';
import type { LoginWorld } from './verify.ts';

/** Argon2 at the same time: two of the four threads that Node has, so that names can still be looked up. */
const WORKERS = 2;

/** Logins that may wait for one of them. */
const MOST_WAITING = 1000;

/** Of one address: there may be an office behind it. */
const MOST_OF_ONE = 100;

/** A world with limits and turns of its own. */
export function loginWorld(parts: Omit<LoginWorld, 'limits' | 'turns'>): LoginWorld {
  return { ...parts, limits: new Limits(), turns: new Turns(WORKERS, MOST_WAITING, MOST_OF_ONE) };
}
