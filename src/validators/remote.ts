import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ask } from './http.ts';
import { judgeAnswer, queryOf, type VerifyRequest } from './protocol.ts';
import type { Outcome, Validator } from './types.ts';

export type RemoteOptions = {
  readonly name: string;
  readonly urls: readonly string[];
  readonly clientId: string;
  /** Without one, the way there is all that is trusted. */
  readonly apiKey: Uint8Array | null;
  readonly syncLevel: string | null;
  /** For all services and all tries together. */
  readonly timeoutMs: number;
  readonly ask: Ask;
};

/** Waits before a service is asked again: gateways fail for moments. In milliseconds. */
const PAUSES = [100, 400];

const failed = (why: string): Outcome => ({ kind: 'unavailable', why, steps: [] });

function causeOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ECONNREFUSED') return 'nobody listens there';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'its name cannot be looked up';
  return code ?? message;
}

/** Ask one service; again, with the same nonce, when there was no answer or a gateway's. */
async function askOne(
  base: string,
  request: VerifyRequest,
  { ask, apiKey }: RemoteOptions,
  signal: AbortSignal,
): Promise<Outcome> {
  const url = new URL(`${base}?${queryOf(request, apiKey)}`);
  let last = failed('it was not asked');
  for (const pause of [0, ...PAUSES]) {
    try {
      if (pause > 0) await sleep(pause, undefined, { signal });
      const { status, body } = await ask(url, signal);
      if (status === 200) return judgeAnswer(body, request, apiKey);
      last = failed(`it answers with HTTP status ${status}`);
    } catch (error) {
      if (signal.aborted)
        return last.kind === 'unavailable' && last.why !== 'it was not asked' ? last : late();
      last = failed(causeOf(error));
    }
  }
  return last;
}

const late = () => failed('it did not answer in time');

/** The first outcome that settles the matter; when none does, why each service could not. */
function firstSettled(asked: readonly { readonly host: string; readonly outcome: Promise<Outcome> }[]) {
  return new Promise<Outcome>((resolve) => {
    const reasons: string[] = [];
    for (const { host, outcome } of asked) {
      void outcome.then((found) => {
        if (found.kind !== 'unavailable')
          return resolve({ ...found, steps: [`${host} answers.`, ...found.steps] });
        reasons.push(`${host}: ${found.why}`);
        if (reasons.length < asked.length) return;
        resolve({
          kind: 'unavailable',
          why: reasons.join('; '),
          steps: reasons.map((reason) => `No answer that can be believed from ${reason}.`),
        });
      });
    }
  });
}

/**
 * A client of the validation protocol 2.0: all services are asked at the same time with the same nonce, and the first
 * answer that can be believed and settles the matter counts.
 */
export function remoteValidator(options: RemoteOptions): Validator {
  const { name, urls, clientId, syncLevel, timeoutMs } = options;
  return {
    name,
    local: false,
    spend: async ({ otp }, signal) => {
      const request = { clientId, otp, nonce: randomBytes(16).toString('hex'), syncLevel };
      const done = new AbortController();
      const limit = AbortSignal.any([signal, done.signal, AbortSignal.timeout(timeoutMs)]);
      try {
        return await firstSettled(
          urls.map((url) => ({
            host: new URL(url).host,
            outcome: askOne(url, request, options, limit),
          })),
        );
      } finally {
        done.abort();
      }
    },
  };
}
