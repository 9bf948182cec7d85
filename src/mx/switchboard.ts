import type { TlsVersion } from '../smtp/tls.ts';
import type { Conversation } from './conversation.ts';

/** How polite a run is to those it asks. */
export type Politeness = {
  /** Connections at a time, all servers together. */
  readonly overall: number;
  /** Connections at a time to the servers of one provider. */
  readonly perProvider: number;
  /** Time between two connections to one address, in milliseconds. */
  readonly spacingMs: number;
  /** Who runs an exchanger: the registered domain of its name. */
  readonly providerOf: (host: string) => string;
};

/** Answers kept for other domains of the run that share a server. */
const MAX_KEPT = 10_000;

/** At most so many at a time; the rest wait in the order in which they came. */
class Gate {
  private free: number;
  private readonly waiting: (() => void)[] = [];

  constructor(places: number) {
    this.free = places;
  }

  async enter(): Promise<void> {
    if (this.free > 0) this.free -= 1;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  leave(): void {
    const next = this.waiting.shift();
    if (next) next();
    else this.free += 1;
  }
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done() {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    }
    signal?.addEventListener('abort', done, { once: true });
  });
}

/** Asks a server by name and address; the same question is asked once. */
export type Switchboard = {
  /** With a version, TLS is tried with that one alone. */
  talk(host: string, ip: string, port: number, version?: TlsVersion): Promise<Conversation>;
  /** Connections made so far. */
  readonly made: number;
};

/**
 * Every conversation of a run goes through here: each (name, address, port) is asked once, each version once more and the answer shared
 * by all domains that use it; an address gets one connection at a time, a provider a few, the world so many.
 *
 * @param converse opens one connection and holds the conversation
 */
export function createSwitchboard(
  { overall, perProvider, spacingMs, providerOf }: Politeness,
  converse: (host: string, ip: string, port: number, version?: TlsVersion) => Promise<Conversation>,
  signal?: AbortSignal,
): Switchboard {
  const known = new Map<string, Promise<Conversation>>();
  const lines = new Map<string, Gate>();
  const everyone = new Gate(overall);
  const lastMs = new Map<string, number>();
  let made = 0;

  const gateFor = (key: string, places: number): Gate => {
    const gate = lines.get(key) ?? new Gate(places);
    lines.set(key, gate);
    return gate;
  };

  async function inTurn(host: string, ip: string, port: number, version?: TlsVersion): Promise<Conversation> {
    // The narrowest gate first: who waits for an address takes no place from others.
    const gates = [gateFor(`ip ${ip}`, 1), gateFor(`provider ${providerOf(host)}`, perProvider), everyone];
    const entered: Gate[] = [];
    try {
      for (const gate of gates) {
        await gate.enter();
        entered.push(gate);
        if (gate !== gates[0]) continue;
        const waitMs = (lastMs.get(ip) ?? Number.NEGATIVE_INFINITY) + spacingMs - performance.now();
        if (waitMs > 0) await pause(waitMs, signal);
      }
      signal?.throwIfAborted();
      made += 1;
      return await converse(host, ip, port, version);
    } finally {
      lastMs.set(ip, performance.now());
      for (const gate of entered) gate.leave();
    }
  }

  return {
    get made() {
      return made;
    },
    talk(host, ip, port, version) {
      const key = `${host} ${ip} ${port} ${version ?? ''}`;
      const before = known.get(key);
      if (before !== undefined) return before;
      const talk = inTurn(host, ip, port, version);
      known.set(key, talk);
      if (known.size > MAX_KEPT) {
        const oldest = known.keys().next().value;
        if (oldest !== undefined) known.delete(oldest);
      }
      return talk;
    },
  };
}
