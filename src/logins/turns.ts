/** More wait than may. */
export class TooMany extends Error {}

/**
 * A few workers for many callers, in turns: who asks for a lot at once waits behind himself, and not everybody behind
 * him.
 */
export class Turns {
  private readonly waiting = new Map<string, (() => void)[]>();
  private running = 0;
  private queued = 0;
  private readonly workers: number;
  private readonly most: number;
  private readonly mostEach: number;

  /**
   * @param most  how many may wait
   * @param mostEach  how many of one caller: he takes no place in the queue away from all others
   */
  constructor(workers: number, most: number, mostEach: number) {
    this.workers = workers;
    this.most = most;
    this.mostEach = mostEach;
  }

  /**
   * Do something when it is the caller's turn.
   *
   * @throws TooMany when too many wait already
   */
  async take<T>(caller: string, work: () => Promise<T>): Promise<T> {
    if (this.running >= this.workers) await this.wait(caller);
    else this.running += 1;
    try {
      return await work();
    } finally {
      this.next();
    }
  }

  private wait(caller: string): Promise<void> {
    const own = this.waiting.get(caller);
    if (this.queued >= this.most || (own?.length ?? 0) >= this.mostEach)
      throw new TooMany('too many logins at once');
    this.queued += 1;
    return new Promise((resolve) => {
      if (own) own.push(resolve);
      else this.waiting.set(caller, [resolve]);
    });
  }

  /** The place goes to the caller that has waited longest for a turn; who has more to do comes after all others. */
  private next(): void {
    const [first] = this.waiting;
    if (!first) {
      this.running -= 1;
      return;
    }
    const [caller, [resolve, ...rest]] = first;
    this.waiting.delete(caller);
    if (rest.length > 0) this.waiting.set(caller, rest);
    this.queued -= 1;
    resolve?.();
  }
}
