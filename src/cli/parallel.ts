/** What became of one item. */
export type Outcome<R> = { readonly value: R } | { readonly error: unknown };

/**
 * Work on items with at most `parallel` at a time and tell each outcome once: as they come, or with
 * `ordered` in the order of the items. After `signal` nothing new is begun.
 */
export async function mapParallel<T, R>(
  items: readonly T[],
  { parallel, ordered, signal }: { parallel: number; ordered: boolean; signal: AbortSignal },
  work: (item: T) => Promise<R>,
  tell: (item: T, outcome: Outcome<R>) => void,
): Promise<void> {
  const waiting = new Map<number, Outcome<R>>();
  let next = 0;
  let told = 0;
  const settle = (index: number, outcome: Outcome<R>): void => {
    if (!ordered) return tell(items[index] as T, outcome);
    waiting.set(index, outcome);
    for (let ready = waiting.get(told); ready; ready = waiting.get(told)) {
      waiting.delete(told);
      tell(items[told] as T, ready);
      told += 1;
    }
  };
  const worker = async (): Promise<void> => {
    while (next < items.length && !signal.aborted) {
      const index = next++;
      const outcome = await work(items[index] as T).then(
        (value) => ({ value }),
        (error: unknown) => ({ error }),
      );
      if (!signal.aborted || 'value' in outcome) settle(index, outcome);
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallel, items.length) }, worker));
}
