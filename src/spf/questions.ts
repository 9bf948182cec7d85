import type { Answer, RecordData, RecordType, Resolver } from '../dns/types.ts';

/** RFC 7208 §4.6.4. */
export const MAX_LOOKUPS = 10;
export const MAX_VOID_LOOKUPS = 2;
/** Most addresses asked for after one MX or PTR answer. */
export const MAX_NAMES = 10;

/** What ends an evaluation wherever it is. */
export class SpfStop extends Error {
  readonly result: 'temperror' | 'permerror';
  /** The time is up, so that nothing further may be tried. */
  readonly late: boolean;

  constructor(result: 'temperror' | 'permerror', reason: string, late = false) {
    super(reason);
    this.result = result;
    this.late = late;
  }
}

/** Records of a name; none where there is no such name or record. */
export type Ask = <T extends 'A' | 'AAAA' | 'MX' | 'PTR' | 'TXT'>(
  name: string,
  type: T,
) => Promise<readonly RecordData[T][]>;

/** The questions of one evaluation, with the limits that hold for all of them together. */
export type Questions = {
  /** Asks without counting: the first record, explanations, and addresses of MX and PTR names. */
  readonly ask: Ask;
  /** Count a term that looks something up. @throws SpfStop permerror for the eleventh */
  spend(): void;
  /** Count an answer without records. @throws SpfStop permerror for the third */
  noteVoid(): void;
  readonly lookups: number;
  readonly voidLookups: number;
};

/** @param endMs  `performance.now()` at which the evaluation ends with temperror (RFC 7208 §4.6.4) */
export function createQuestions(dns: Resolver, endMs: number): Questions {
  let lookups = 0;
  let voidLookups = 0;
  return {
    ask: async (name, type) => recordsOf(await dns.resolve(name, type), endMs),
    spend: () => {
      lookups += 1;
      if (lookups > MAX_LOOKUPS)
        throw new SpfStop('permerror', `The record needs more than ${MAX_LOOKUPS} DNS lookups.`);
    },
    noteVoid: () => {
      voidLookups += 1;
      if (voidLookups > MAX_VOID_LOOKUPS)
        throw new SpfStop('permerror', `More than ${MAX_VOID_LOOKUPS} DNS lookups found nothing.`);
    },
    get lookups() {
      return lookups;
    },
    get voidLookups() {
      return voidLookups;
    },
  };
}

function recordsOf<T extends RecordType>(
  answer: Answer<RecordData[T]>,
  endMs: number,
): readonly RecordData[T][] {
  if (performance.now() >= endMs) throw new SpfStop('temperror', 'The evaluation took too long.', true);
  switch (answer.kind) {
    case 'found':
      return answer.records;
    case 'empty':
    case 'absent':
      return [];
    case 'failed':
      // A name with a blank or a backslash, which a local part can lead to, is one that no resolver of ours asks:
      // it does not exist, or a sender could turn a fail into a temporary error.
      if (/[ \\]/.test(answer.name)) return [];
      throw new SpfStop('temperror', `${answer.type} of ${answer.name}: ${answer.rcode}.`);
  }
}
