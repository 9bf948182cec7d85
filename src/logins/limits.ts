/** Failures in a time that are worth the full effort, by whom they are counted. */
const MOST = { pair: 10, address: 60, account: 200 } as const;

/** How long a failure is remembered, in milliseconds. */
const SPAN_MS = 600_000;

/** Most counters that are kept; the oldest goes first. */
const MOST_KEPT = 100_000;

type Count = { failures: number; readonly sinceMs: number };

/** Who tries what. */
export type Who = { readonly account: string; readonly address: string };

/**
 * Failed logins by account and address.
 *
 * Whoever is over a limit costs no more Argon2. Nobody is refused for it: a fresh OTP of the account's own key always
 * gets in, however many others have failed with its name.
 */
export class Limits {
  private readonly counts = new Map<string, Count>();

  private count(id: string, nowMs: number): Count | undefined {
    const found = this.counts.get(id);
    if (found && nowMs - found.sinceMs >= SPAN_MS) {
      this.counts.delete(id);
      return undefined;
    }
    return found;
  }

  private ids({ account, address }: Who) {
    return { pair: `p ${address} ${account}`, address: `a ${address}`, account: `u ${account}` };
  }

  isOver(who: Who, nowMs: number): boolean {
    const ids = this.ids(who);
    return (['pair', 'address', 'account'] as const).some(
      (name) => (this.count(ids[name], nowMs)?.failures ?? 0) >= MOST[name],
    );
  }

  failed(who: Who, nowMs: number): void {
    for (const id of Object.values(this.ids(who))) {
      const found = this.count(id, nowMs);
      if (found) found.failures += 1;
      else this.counts.set(id, { failures: 1, sinceMs: nowMs });
    }
    for (const id of this.counts.keys()) {
      if (this.counts.size <= MOST_KEPT) break;
      this.counts.delete(id);
    }
  }
}
