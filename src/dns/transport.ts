import type { RecordType } from './types.ts';
import type { Question, Reply } from './wire.ts';

/** What came of one question to one server. */
export type Outcome<T extends RecordType> = Replied<T> | Failed;

export type Replied<T extends RecordType> = {
  readonly kind: 'reply';
  readonly reply: Reply<T>;
  /** The AD bit can be believed: nobody but the server could have written it. */
  readonly believed: boolean;
};

export type Failed = {
  readonly kind: 'failed';
  readonly code: 'TIMEOUT' | 'NETWORK' | 'MALFORMED';
  readonly message: string;
};

/** One server and the way to it. */
export interface Transport {
  /** How answers name it, see `serverLabel`. */
  readonly label: string;
  /** @param signal  ends the wait: the outcome is `TIMEOUT`, nothing is thrown */
  ask<T extends RecordType>(question: Question<T>, signal: AbortSignal): Promise<Outcome<T>>;
  /** Drop connections; questions under way fail. */
  close(): void;
}

/** What every way needs from outside. */
export type TransportOptions = {
  /** @returns so many unpredictable bytes */
  readonly random: (lengthBytes: number) => Uint8Array;
  /** Certificates in PEM, trusted beside those of Node. */
  readonly ca: readonly string[];
};

export const NO_REPLY: Failed = { kind: 'failed', code: 'TIMEOUT', message: 'no reply in time' };

/** @returns a failure on the way, in the words of the system */
export function networkFailure(error: unknown): Failed {
  return { kind: 'failed', code: 'NETWORK', message: error instanceof Error ? error.message : String(error) };
}

/** @returns what the work gives, or null when the signal comes first; the work goes on unheard */
export async function untilAborted<V>(work: Promise<V>, signal: AbortSignal): Promise<V | null> {
  if (signal.aborted) return null;
  const { promise, resolve } = Promise.withResolvers<null>();
  const stop = () => resolve(null);
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
