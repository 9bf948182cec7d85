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
  return new Bounded(dns, bounds);
}

class Bounded implements BoundedResolver {
  private readonly dns: Resolver;
  private readonly bounds: Bounds;
  private readonly asked = new Map<string, Promise<Answer<never>>>();
  private endMs: number | null = null;
  readonly unanswered: Unanswered[] = [];

  constructor(dns: Resolver, bounds: Bounds) {
    this.dns = dns;
    this.bounds = bounds;
  }

  get spent(): number {
    return this.asked.size;
  }

  resolve<T extends RecordType>(name: string, type: T): Promise<Answer<RecordData[T]>> {
    const { asked, bounds } = this;
    const key = `${type} ${normalName(name)}`;
    const answer = asked.get(key) ?? this.ask(name, type);
    if (asked.size < bounds.queries) asked.set(key, answer);
    return answer;
  }

  private async ask(name: string, type: RecordType): Promise<Answer<never>> {
    const { asked, bounds, dns } = this;
    if (asked.size >= bounds.queries) return this.note(refusal(name, type, 'BUDGET'));
    this.endMs ??= performance.now() + bounds.totalMs;
    const leftMs = Math.min(bounds.questionMs, this.endMs - performance.now());
    if (leftMs <= 0) return this.note(refusal(name, type, 'TIMEOUT'));
    return this.note(await within(dns.resolve(name, type) as Promise<Answer<never>>, name, type, leftMs));
  }

  private note(answer: Answer<never>): Answer<never> {
    if (answer.kind === 'failed')
      this.unanswered.push({ name: answer.name, type: answer.type, rcode: answer.rcode });
    return answer;
  }
}

async function within(
  answer: Promise<Answer<never>>,
  name: string,
  type: RecordType,
  ms: number,
): Promise<Answer<never>> {
  // What is known already, such as from a recording, needs no clock.
  const known = await atOnce(answer);
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

const NOW = Promise.resolve();

/** What a promise was settled with before; null when it was not. A race of two takes three times as long. */
async function atOnce<T>(promise: Promise<T>): Promise<T | null> {
  let known: T | null = null;
  promise.then(
    (value) => {
      known = value;
    },
    () => undefined,
  );
  await NOW;
  return known;
}

const MESSAGES = {
  BUDGET: 'Not asked: the message wants more lookups than are made for one.',
  TIMEOUT: 'No answer in time.',
} as const;

function refusal(name: string, type: RecordType, rcode: keyof typeof MESSAGES): Answer<never> {
  const meta = { name: normalName(name), type, dnssec: 'indeterminate', cnames: [], ede: [] } as const;
  return { ...meta, ttl: null, server: 'cache', kind: 'failed', rcode, message: MESSAGES[rcode] };
}
