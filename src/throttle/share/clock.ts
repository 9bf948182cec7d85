/** How far clocks may be apart before somebody is told, in milliseconds. */
export const APART_MS = 2000;

/** A change of the difference by less than this is the time that messages take. */
const JITTER_MS = 500;

/**
 * The clock that all nodes go by: that of the server. Ends of blocks and seconds of counts are told in it, so a node whose
 * own clock is wrong counts as the others do.
 */
export class SharedClock {
  private readonly local: () => number;
  private ahead: number | null = null;

  /** @param local  milliseconds since the epoch, and never set back */
  constructor(local: () => number) {
    this.local = local;
  }

  /** What the server is ahead of this node, in whole milliseconds. */
  get aheadMs(): number {
    return this.ahead ?? 0;
  }

  get isApart(): boolean {
    return Math.abs(this.aheadMs) > APART_MS;
  }

  /** The same in whole seconds. */
  get aheadSeconds(): number {
    return Math.round(this.aheadMs / 1000);
  }

  /** Take what the server said its time was, between two moments here. */
  note(serverMs: number, askedMs: number, answeredMs: number): void {
    const aheadMs = Math.round(serverMs - (askedMs + answeredMs) / 2);
    const uncertain = JITTER_MS + (answeredMs - askedMs) / 2;
    if (this.ahead === null || Math.abs(aheadMs - this.ahead) > uncertain) this.ahead = aheadMs;
  }

  /** Now, by the clock of the server. */
  now(): number {
    return this.toShared(this.local());
  }

  toShared(localMs: number): number {
    return Math.round(localMs) + this.aheadMs;
  }

  toLocal(sharedMs: number): number {
    return sharedMs - this.aheadMs;
  }
}
