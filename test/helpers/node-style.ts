import type { Resolver } from '../../src/dns/types.ts';

/** A resolver as mailauth takes one, with the answers as they are: whatever the name, it is asked. */
export function nodeStyle(dns: Resolver): (name: string, type: string) => Promise<never[]> {
  return async (name, type) => {
    const answer = await dns.resolve(name, type as 'MX');
    if (answer.kind !== 'found')
      throw Object.assign(new Error(answer.kind), {
        code: { absent: 'ENOTFOUND', empty: 'ENODATA', failed: 'ESERVFAIL' }[answer.kind],
      });
    const records = answer.records.map((record) =>
      type === 'MX' ? { priority: record.preference, exchange: record.exchange } : record,
    );
    return records as never[];
  };
}
