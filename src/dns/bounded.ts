import { normalName } from './recording.ts';
import type { Answer, FailureCode, RecordData, RecordType, Resolver } from './types.ts';

export type Bounds = {
  /** Most different questions; the same one again is free. */
  readonly queries: number;
  /** Time for one question with all its repetitions, in milliseconds. */
  readonly questionMs: number;
  /** Time for all of them, in milliseconds from the first one. */
  readonly totalMs: number;
};

/** A question that got no answer. */
export type Unanswered = { readonly name: string; readonly type: RecordType; readonly rcode: FailureCode };

/** A resolver that ends, and that can tell what it could not find out. */
export interface BoundedResolver extends Resolver {
  /** Questions put so far, each counted once. */
  readonly spent: number;
  /** Questions that failed, in the order in which they did. */
  readonly unanswered: readonly Unanswered[];
}

/**
 * Keep the questions about one message within bounds, whatever the message names and however long the resolver
 * takes. A question over the number is `failed` with `BUDGET`, one over the time with `TIMEOUT`. Every question
 * is put once.
 */
export function boundedResolver(dns: Resolver, bounds: Bounds): BoundedResolver {
  const asked = new Map<string, Promise<Answer<never>>>();
  const unanswered: Unanswered[] = [];
  let endMs: number | null = null;

  async function ask(name: string, type: RecordType): Promise<Answer<never>> {
    if (asked.size >= bounds.queries) return note(refusal(name, type, 'BUDGET'));
    endMs ??= performance.now() + bounds.totalMs;
    const leftMs = Math.min(bounds.questionMs, endMs - performance.now());
    if (leftMs <= 0) return note(refusal(name, type, 'TIMEOUT'));
    return note(await within(dns.resolve(name, type) as Promise<Answer<never>>, name, type, leftMs));
  }

  function note(answer: Answer<never>): Answer<never> {
    if (answer.kind === 'failed')
      unanswered.push({ name: answer.name, type: answer.type, rcode: answer.rcode });
    return answer;
  }

  return {
    resolve<T extends RecordType>(name: string, type: T): Promise<Answer<RecordData[T]>> {
      const key = `${type} ${normalName(name)}`;
      const answer = asked.get(key) ?? ask(name, type);
      if (asked.size < bounds.queries) asked.set(key, answer);
      return answer;
    },
    get spent() {
      return asked.size;
    },
    get unanswered() {
      return unanswered;
    },
  };
}

const NOT_YET = Promise.resolve(null);

async function within(
  answer: Promise<Answer<never>>,
  name: string,
  type: RecordType,
  ms: number,
): Promise<Answer<never>> {
  // What is known already, such as from a recording, needs no clock.
  const known = await Promise.race([answer, NOT_YET]);
  if (known !== null) return known;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Answer<never>>((resolve) => {
    timer = setTimeout(() => resolve(refusal(name, type, 'TIMEOUT')), ms);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

const MESSAGES = {
  BUDGET: 'Not asked: the message wants more lookups than are made for one.',
  TIMEOUT: 'No answer in time.',
} as const;

function refusal(name: string, type: RecordType, rcode: keyof typeof MESSAGES): Answer<never> {
  const meta = { name: normalName(name), type, dnssec: 'indeterminate', cnames: [], ede: [] } as const;
  return { ...meta, ttl: null, server: 'cache', kind: 'failed', rcode, message: MESSAGES[rcode] };
}
