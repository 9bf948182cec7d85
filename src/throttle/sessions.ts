import { createHash } from 'node:crypto';

/** Somebody who opened the dashboard with a key. */
export type Session = {
  /** In the cookie, which the browser keeps to itself. */
  readonly id: string;
  /** In the memory of the page, which every call shows: cookies go to every port of a host, this does not. */
  readonly token: string;
};

export type SessionsOptions = {
  readonly now: () => number;
  /** Unguessable text, at least 128 bits, of letters, digits, "-" and "_". */
  readonly random: () => string;
};

/** A key opens the dashboard once, within so long. */
export const KEY_MS = 120_000;

/** A session in which nobody does anything ends after so long. */
export const IDLE_MS = 900_000;

/** Most keys that wait, and most sessions; the oldest gives way. */
const MOST = 8;

type Live = { readonly token: string; seenMs: number };

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}

function makeRoom(map: Map<string, unknown>): void {
  const [oldest] = map.keys();
  if (map.size >= MOST && oldest !== undefined) map.delete(oldest);
}

/** Who may use the dashboard. Secrets are looked up by their digests, so how long that takes tells nothing of them. */
export class Sessions {
  private readonly options: SessionsOptions;
  /** By the digest of the key: until when. */
  private readonly keys = new Map<string, number>();
  /** By the digest of the id. */
  private readonly live = new Map<string, Live>();

  constructor(options: SessionsOptions) {
    this.options = options;
  }

  /** A key for one session, valid for {@link KEY_MS}. */
  issue(): string {
    const key = this.options.random();
    makeRoom(this.keys);
    this.keys.set(digest(key), this.options.now() + KEY_MS);
    return key;
  }

  /** Begin a session. @returns null when the key is none, was used, or is too old */
  redeem(key: string): Session | null {
    const known = digest(key);
    const untilMs = this.keys.get(known);
    this.keys.delete(known);
    const nowMs = this.options.now();
    if (untilMs === undefined || nowMs >= untilMs) return null;
    const session = { id: this.options.random(), token: this.options.random() };
    makeRoom(this.live);
    this.live.set(digest(session.id), { token: digest(session.token), seenMs: nowMs });
    return session;
  }

  /** Whether both secrets belong to a session that lasts. @param active  it begins to be idle anew */
  isValid(id: string, token: string, active: boolean): boolean {
    const session = this.live.get(digest(id));
    const nowMs = this.options.now();
    if (session === undefined || nowMs - session.seenMs >= IDLE_MS || session.token !== digest(token))
      return false;
    if (active) session.seenMs = nowMs;
    return true;
  }

  end(id: string): void {
    this.live.delete(digest(id));
  }

  /** Forget what is over. @returns whether anything is left */
  prune(): boolean {
    const nowMs = this.options.now();
    for (const [key, untilMs] of this.keys) if (nowMs >= untilMs) this.keys.delete(key);
    for (const [id, { seenMs }] of this.live) if (nowMs - seenMs >= IDLE_MS) this.live.delete(id);
    return this.keys.size + this.live.size > 0;
  }
}
