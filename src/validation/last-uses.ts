/** Last use of a client is written down this often at most, in milliseconds. */
const USED_MS = 60_000;

/** Remembers when clients were last served, at most once a minute for each. */
export class LastUses {
  private readonly write: (id: number, nowMs: number) => Promise<unknown>;
  private readonly written = new Map<number, number>();

  constructor(write: (id: number, nowMs: number) => Promise<unknown>) {
    this.write = write;
  }

  /** It is for people to look at: where it fails, what was spent stays spent. */
  async note(id: number, nowMs: number): Promise<void> {
    if (nowMs - (this.written.get(id) ?? -USED_MS) < USED_MS) return;
    this.written.set(id, nowMs);
    await this.write(id, nowMs).catch(() => this.written.delete(id));
  }
}
