import type { Answer, RecordData, RecordType } from './types.ts';

type Held<T extends RecordType> = {
  readonly answer: Promise<Answer<RecordData[T]>>;
  /** Milliseconds on the given clock; infinity while the answer is under way. */
  untilMs: number;
  settledMs: number;
};

type Shelves = { readonly [T in RecordType]: Map<string, Held<T>> };

/** Nothing is kept longer, whatever a zone says. */
const MAX_TTL_SECONDS = 3600;

/**
 * Answers of this run. A question under way is shared by all who ask it; what was found, or denied with a
 * time to live, is kept for that time; failures are not kept.
 *
 * @param maxAnswers  for each record type; the oldest goes first
 * @param nowMs  a clock that does not step
 */
export function createMemory(maxAnswers: number, nowMs: () => number) {
  const shelves = emptyShelves();

  async function recall<T extends RecordType>(
    name: string,
    type: T,
    ask: () => Promise<Answer<RecordData[T]>>,
  ): Promise<Answer<RecordData[T]>> {
    const shelf: Map<string, Held<T>> = shelves[type];
    const found = shelf.get(name);
    if (found !== undefined && found.untilMs > nowMs()) return aged(await found.answer, found, nowMs());
    shelf.delete(name);
    const held: Held<T> = { answer: ask(), untilMs: Number.POSITIVE_INFINITY, settledMs: 0 };
    shelf.set(name, held);
    held.answer.catch(() => shelf.delete(name)); // a bug of ours is told to those who wait, not kept
    const answer = await held.answer;
    held.settledMs = nowMs();
    held.untilMs = held.settledMs + keepSeconds(answer) * 1000;
    if (held.untilMs <= held.settledMs) shelf.delete(name);
    else trim(shelf);
    return answer;
  }

  /** Drop the oldest; those under way are counted but left, as others wait for them. */
  function trim(shelf: Map<string, Held<RecordType>>): void {
    for (const [name, held] of shelf) {
      if (shelf.size <= maxAnswers) return;
      if (held.untilMs !== Number.POSITIVE_INFINITY) shelf.delete(name);
    }
  }

  return { recall };
}

function keepSeconds(answer: Answer<unknown>): number {
  return answer.kind === 'failed' ? 0 : Math.min(answer.ttl ?? 0, MAX_TTL_SECONDS);
}

/** What is left of the time to live after a stay in memory. */
function aged<D>(answer: Answer<D>, held: Held<RecordType>, nowMs: number): Answer<D> {
  if (answer.ttl === null || held.settledMs === 0) return answer;
  const ageSeconds = Math.floor((nowMs - held.settledMs) / 1000);
  return ageSeconds <= 0 ? answer : { ...answer, ttl: Math.max(0, answer.ttl - ageSeconds) };
}

function emptyShelves(): Shelves {
  return {
    A: new Map(),
    AAAA: new Map(),
    CNAME: new Map(),
    MX: new Map(),
    NS: new Map(),
    PTR: new Map(),
    SOA: new Map(),
    SRV: new Map(),
    TLSA: new Map(),
    TXT: new Map(),
    CAA: new Map(),
    DS: new Map(),
    DNSKEY: new Map(),
  };
}
