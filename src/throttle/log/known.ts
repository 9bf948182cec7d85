import { type Request, type Spelling, UNKNOWN } from '../visitors.ts';
import { NOWHERE } from './cache.ts';

/** A client that a scanner remembers. */
export type Known = Spelling & {
  /** Where its browser is remembered, the one that it had last. */
  agent: number;
};

/** What a line said; the next one takes its place. */
export type Scanned = { -readonly [K in keyof Request]: Request[K] } & { who: Known };

/** A client that was not seen before. */
export function newlyKnown(client: string, site: string | null): Known {
  return { client, site, visitor: UNKNOWN, agent: NOWHERE };
}
