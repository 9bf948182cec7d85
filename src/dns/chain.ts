import type { RecordData, RecordType } from './types.ts';
import type { Reply, ReplyRecord } from './wire.ts';

/** RFC 1034 §3.6.2 names no limit; eight is more than any sane zone needs. */
export const MAX_CNAMES = 8;

/** Where the way through the aliases of a reply ends. */
export type Walk<T extends RecordType> = {
  /** The last name reached. */
  readonly owner: string;
  /** Names left behind, in order. */
  readonly cnames: readonly string[];
  /** Records at `owner`, each once; empty when the reply has none. */
  readonly records: readonly RecordData[T][];
  /** Least time to live of all records used, in seconds; null when none was. */
  readonly ttl: number | null;
  /** A name came up twice, or there were more than {@link MAX_CNAMES}. */
  readonly loop: boolean;
};

/**
 * Follow CNAME records inside one reply. Records under names that the way does not touch are not looked at:
 * a server may put anything there.
 *
 * @param from  the name asked for, lower case
 * @param passed  names left behind in earlier replies
 */
export function walkChain<T extends RecordType>(
  reply: Pick<Reply<T>, 'records' | 'aliases'>,
  from: string,
  passed: readonly string[],
): Walk<T> {
  const cnames: string[] = [];
  const used: ReplyRecord<unknown>[] = [];
  let owner = from;
  for (;;) {
    const records = reply.records.filter((record) => record.owner === owner);
    const alias = records.length > 0 ? undefined : reply.aliases.find((record) => record.owner === owner);
    if (alias === undefined)
      return { owner, cnames, records: distinct(records), ttl: leastTtl([...used, ...records]), loop: false };
    cnames.push(owner);
    used.push(alias);
    owner = alias.data;
    const behind = [...passed, ...cnames];
    if (behind.includes(owner) || behind.length > MAX_CNAMES)
      return { owner, cnames, records: [], ttl: null, loop: true };
  }
}

/** RFC 2181 §5: a set holds a record once, however often it was sent. */
function distinct<D>(records: readonly ReplyRecord<D>[]): D[] {
  const seen = new Map(records.map(({ data }) => [JSON.stringify(data), data]));
  return [...seen.values()];
}

function leastTtl(records: readonly ReplyRecord<unknown>[]): number | null {
  return records.length === 0 ? null : Math.min(...records.map((record) => record.ttl));
}
