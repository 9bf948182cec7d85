/** Wrong OTPs of one address or key within a minute beyond which they are only counted. */
const TOLD = 30;
const WINDOW_MS = 60_000;
/** Addresses and keys that are remembered; whoever makes up more of them pushes out the oldest. */
const MOST = 10_000;
/** How long a wrong answer is held back beyond that, in milliseconds. */
const HOLD_MS = 300;

type Count = { sinceMs: number; wrong: number };

/**
 * Counts wrong OTPs by address and by key. A right OTP is never refused for it: the check costs microseconds and a
 * forger has one chance in 2^48, so a limit that locks out would only help those who want to lock somebody out. What
 * is limited is what many wrong ones cost: lines in the log, and answers a second to the one who sends them.
 */
export class WrongOtps {
  private readonly counts = new Map<string, Count>();

  /** @returns whether this one should still be told of, and how long its answer is held back */
  note(keys: readonly string[], nowMs: number): { readonly tell: boolean; readonly holdMs: number } {
    const most = Math.max(...keys.map((key) => this.count(key, nowMs)));
    return { tell: most <= TOLD, holdMs: most > TOLD ? HOLD_MS : 0 };
  }

  private count(key: string, nowMs: number): number {
    const known = this.counts.get(key);
    const fresh = known && nowMs - known.sinceMs < WINDOW_MS ? known : { sinceMs: nowMs, wrong: 0 };
    fresh.wrong += 1;
    this.counts.delete(key);
    this.counts.set(key, fresh);
    if (this.counts.size > MOST) {
      const [oldest] = this.counts.keys();
      if (oldest !== undefined) this.counts.delete(oldest);
    }
    return fresh.wrong;
  }
}
