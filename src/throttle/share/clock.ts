/** How far clocks may be apart before somebody is told, in milliseconds. */
export const APART_MS = 2000;

/** A change of the difference by less than this is the time that messages take. */
const JITTER_MS = 500;

/** Both clocks show whole milliseconds. */
const ROUNDING_MS = 1;

/** What an answer counts for less with each that follows. */
const AGED_MS = 0.1;

/**
 * The clock that all nodes go by: that of the server. Ends of blocks and seconds of counts are told in it, so a node whose
 * own clock is wrong counts as the others do.
 */
export class SharedClock {
  private readonly local: () => number;
  private ahead: number | null = null;
  private quickestMs = Number.POSITIVE_INFINITY;

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

  /**
   * Take what the server said its time was, between two moments here. The quicker the answer the better it is known; one
   * that was quick counts for less as it ages, since clocks drift.
   */
  note(serverMs: number, askedMs: number, answeredMs: number): void {
    const tookMs = answeredMs - askedMs;
    const aheadMs = Math.round(serverMs - (askedMs + answeredMs) / 2);
    const changedMs = this.ahead === null ? Number.POSITIVE_INFINITY : Math.abs(aheadMs - this.ahead);
    const isBetter = tookMs <= this.quickestMs && changedMs > ROUNDING_MS;
    if (isBetter || changedMs > JITTER_MS + tookMs / 2) {
      this.ahead = aheadMs;
      this.quickestMs = tookMs;
    } else this.quickestMs = Math.min(this.quickestMs, tookMs) + AGED_MS;
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
