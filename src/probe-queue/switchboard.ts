import { randomUUID } from 'node:crypto';
import type { Conversation, Place, Variant } from '../mx/conversation.ts';
import { type Gate, MAX_KEPT, pause, questionOf, type Switchboard, wantsLess } from '../mx/switchboard.ts';
import type { Link } from './link.ts';
import { packConversation, unpackConversation } from './saved-conversation.ts';
import { endTurn, forgetAnswer, LEASE_MS, RENEW_MS, renewTurn, type Turn, takeTurn } from './turns.ts';

/** A server is busy with others for longer than is worth waiting for: the job is to come again. */
export class ServerBusy extends Error {
  override readonly name = 'ServerBusy';
}

/** The turn was lost while the conversation went on, as the queue was out of reach: it was broken off. */
export class TurnLost extends Error {
  override readonly name = 'TurnLost';
}

export type SharedOptions = {
  readonly link: Link;
  readonly run: string;
  readonly providerOf: (host: string) => string;
  /** Holds one conversation, until the signal says that it must end. */
  readonly converse: (
    place: Place,
    variant: Variant | undefined,
    signal: AbortSignal,
  ) => Promise<Conversation>;
  /** Connections of this process at a time; all runs have it in common. */
  readonly everyone: Gate;
  /** Ends what waits for a turn. */
  readonly stopping: AbortSignal;
  /** Ends what is being said, too. */
  readonly signal: AbortSignal;
};

/** How long a job waits for its turn with one server, in milliseconds; then it makes room. */
const PATIENCE_MS = 5000;

/** A conversation is broken off so long before its lease runs out, in milliseconds. */
const MARGIN_MS = 1500;

/** Silence may be the fault of this machine's network: another one finds out for itself. */
function isOnlyOurs({ fault }: Conversation): boolean {
  return fault?.phase === 'connect' && ['timeout', 'no-route', 'unreachable'].includes(fault.kind);
}

/** Keeps a turn while something is said; the signal is aborted when it cannot be kept. */
function hold(link: Link, turn: Turn): { readonly signal: AbortSignal; letGo(): void } {
  const stop = new AbortController();
  const lose = () => stop.abort(new TurnLost('The turn with the server was lost.'));
  let end = setTimeout(lose, LEASE_MS - MARGIN_MS);
  const renewal = setInterval(async () => {
    const askedMs = performance.now();
    const kept = await renewTurn(link, turn).catch(() => null);
    if (kept === false) lose();
    if (!kept || stop.signal.aborted) return;
    clearTimeout(end);
    end = setTimeout(lose, askedMs + LEASE_MS - MARGIN_MS - performance.now());
  }, RENEW_MS);
  return {
    signal: stop.signal,
    letGo: () => {
      clearInterval(renewal);
      clearTimeout(end);
    },
  };
}

/**
 * The switchboard of one run, as all workers have it in common: a question is asked once by one of them, an address gets
 * one connection at a time and its rest, a provider a few, whoever asks.
 *
 * What `talk` rejects with besides the reasons of the signals: {@link ServerBusy}, {@link TurnLost}.
 */
export function sharedSwitchboard(options: SharedOptions): Pick<Switchboard, 'talk'> {
  const { link, run, providerOf, stopping, signal } = options;
  const known = new Map<string, Promise<Conversation>>();

  async function speak(turn: Turn, place: Place, variant: Variant | undefined): Promise<Conversation> {
    const held = hold(link, turn);
    let talk: Conversation | undefined;
    await options.everyone.enter();
    try {
      signal.throwIfAborted();
      held.signal.throwIfAborted();
      talk = await options.converse(place, variant, AbortSignal.any([signal, held.signal]));
      return talk;
    } finally {
      options.everyone.leave();
      held.letGo();
      const answer = talk && !isOnlyOurs(talk) ? packConversation(talk) : null;
      await endTurn(link, turn, { answer, less: talk !== undefined && wantsLess(talk) });
    }
  }

  async function inTurn(place: Place, variant: Variant | undefined, question: string): Promise<Conversation> {
    if (variant && 'waitMs' in variant) await pause(variant.waitMs, stopping);
    const turn = {
      run,
      ip: place.ip,
      provider: providerOf(place.host),
      question,
      token: randomUUID(),
    };
    const untilMs = performance.now() + PATIENCE_MS;
    for (;;) {
      stopping.throwIfAborted();
      const taken = await takeTurn(link, turn);
      if (taken.kind === 'go') return speak(turn, place, variant);
      if (taken.kind === 'said') {
        const said = await unpackConversation(taken.text);
        if (said) return said;
        await forgetAnswer(link, turn);
        continue;
      }
      if (performance.now() + taken.ms > untilMs) throw new ServerBusy(`${place.ip} is busy.`);
      // Not all at the same moment.
      await pause(taken.ms * (1 + Math.random() / 4), stopping);
    }
  }

  return {
    talk(place, variant) {
      const question = questionOf(place, variant);
      const before = known.get(question);
      if (before !== undefined) return before;
      const talk = inTurn(place, variant, question);
      known.set(question, talk);
      // What did not come about is asked again.
      talk.catch(() => known.delete(question));
      if (known.size > MAX_KEPT) known.delete(known.keys().next().value ?? '');
      return talk;
    },
  };
}
