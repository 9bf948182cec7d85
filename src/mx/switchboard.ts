import type { Conversation, Place, Variant } from './conversation.ts';

/** Connections at a time to the servers of one provider. */
export const PER_PROVIDER = 4;

/** Time between two connections to one address in a run of several targets, in milliseconds. */
export const SPACING_MS = 2000;

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
export const MAX_KEPT = 4096;

/** At most so many at a time; the rest wait in the order in which they came. */
export class Gate {
  private places: number;
  private inside = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(places: number) {
    this.places = places;
  }

  async enter(): Promise<void> {
    if (this.inside < this.places) this.inside += 1;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  leave(): void {
    const next = this.inside <= this.places ? this.waiting.shift() : undefined;
    if (next) next();
    else this.inside -= 1;
  }

  /** Half the places from now on, one at least. */
  narrow(): void {
    this.places = Math.max(1, Math.floor(this.places / 2));
  }
}

/** Waits; an aborted signal ends it early. */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
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
  talk(place: Place, variant?: Variant): Promise<Conversation>;
  /** Connections made so far. */
  readonly made: number;
};

/** What makes a question the same one: name, address, port, and how it is asked. */
export function questionOf(
  { host, ip, port, implicitTls = false }: Place,
  variant: Variant | undefined,
): string {
  const special = variant && Object.values(variant).join(' ');
  return `${host} ${ip} ${port} ${implicitTls} ${special ?? ''}`;
}

/** 421, 450 and 451 at the door are how a server asks for less (RFC 5321 §3.8). */
export function wantsLess({ fault }: Conversation): boolean {
  return fault?.kind === 'rejected' && [421, 450, 451].includes(fault.reply?.code ?? 0);
}

/**
 * Every conversation of a run goes through here: each (name, address, port) is asked once, each variant once more,
 * and the answer shared by all domains that use it; an address gets one connection at a time, a provider a few (half
 * of them after it asked for less), the world so many.
 *
 * @param converse opens one connection and holds the conversation
 */
export function createSwitchboard(
  { overall, perProvider, spacingMs, providerOf }: Politeness,
  converse: (place: Place, variant?: Variant) => Promise<Conversation>,
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

  async function inTurn(place: Place, variant: Variant | undefined): Promise<Conversation> {
    const { host, ip } = place;
    if (variant && 'waitMs' in variant) await pause(variant.waitMs, signal);
    const provider = gateFor(`provider ${providerOf(host)}`, perProvider);
    // The narrowest gate first: who waits for an address takes no place from others.
    const gates = [gateFor(`ip ${ip}`, 1), provider, everyone];
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
      const talk = await converse(place, variant);
      if (wantsLess(talk)) provider.narrow();
      return talk;
    } finally {
      lastMs.set(ip, performance.now());
      for (const gate of entered) gate.leave();
    }
  }

  return {
    get made() {
      return made;
    },
    talk(place, variant) {
      const key = questionOf(place, variant);
      const before = known.get(key);
      if (before !== undefined) return before;
      const talk = inTurn(place, variant);
      known.set(key, talk);
      if (known.size > MAX_KEPT) {
        const oldest = known.keys().next().value;
        if (oldest !== undefined) known.delete(oldest);
      }
      return talk;
    },
  };
}
