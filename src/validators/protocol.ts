import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Outcome, Refusal } from './types.ts';

/** One request of the validation protocol 2.0. */
export type VerifyRequest = {
  readonly clientId: string;
  readonly otp: string;
  /** 16 to 40 letters and digits, new for each request. */
  readonly nonce: string;
  readonly syncLevel: string | null;
};

type Pairs = readonly (readonly [name: string, value: string])[];

/**
 * HMAC-SHA-1 over all pairs but `h`, sorted by name, values as they are (validation protocol 2.0, "Generating
 * signatures").
 *
 * @returns in base64
 */
export function signatureOf(pairs: Pairs, apiKey: Uint8Array): string {
  const text = pairs
    .filter(([name]) => name !== 'h')
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
  return createHmac('sha1', apiKey).update(text).digest('base64');
}

/** The query of a request, signed where there is a key to sign with. */
export function queryOf(
  { clientId, otp, nonce, syncLevel }: VerifyRequest,
  apiKey: Uint8Array | null,
): string {
  const pairs: Pairs = [
    ['id', clientId],
    ['nonce', nonce],
    ['otp', otp],
    ...(syncLevel === null ? [] : [['sl', syncLevel] as const]),
    ['timestamp', '1'],
  ];
  const signed = apiKey ? [...pairs, ['h', signatureOf(pairs, apiKey)] as const] : pairs;
  return signed.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&');
}

/** More lines than any service sends. */
const MAX_LINES = 64;

/** The pairs of an answer; null when one stands there twice or a line is none. */
function pairsOf(body: string): ReadonlyMap<string, string> | null {
  const pairs = new Map<string, string>();
  const lines = body.split(/\r?\n/).filter((text) => text.trim() !== '');
  if (lines.length > MAX_LINES) return null;
  for (const text of lines) {
    const at = text.indexOf('=');
    const name = text.slice(0, at).trim();
    if (at < 1 || pairs.has(name)) return null;
    pairs.set(name, text.slice(at + 1).trim());
  }
  return pairs;
}

function sameText(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

const REFUSALS: Readonly<Record<string, readonly [why: Refusal, step: string]>> = {
  REPLAYED_OTP: ['replayed', 'It says that the OTP, or a later one, was used before.'],
  BAD_OTP: ['bad', 'It says that the OTP is none of a key it serves.'],
  DELAYED_OTP: ['delayed', 'It says that the OTP was held back between the touch and now.'],
};

const UNAVAILABLE: Readonly<Record<string, string>> = {
  REPLAYED_REQUEST: 'it has seen this very request before, and its answer was lost',
  NOT_ENOUGH_ANSWERS: 'too few of its peers answered',
  BACKEND_ERROR: 'it cannot reach its own database',
  NO_SUCH_CLIENT: 'it does not know the client id',
  BAD_SIGNATURE: 'it does not take our signature: the API key is not the one of the client id',
  OPERATION_NOT_ALLOWED: 'the client id may not verify',
  MISSING_PARAMETER: 'it misses something in our request',
};

const unavailable = (why: string): Outcome => ({
  kind: 'unavailable',
  why,
  steps: [`Nothing can be concluded: ${why}.`],
});

function counterOf(text: string | undefined, most: number): number | null {
  const value = /^\d{1,5}$/.test(text ?? '') ? Number(text) : Number.NaN;
  return value <= most ? value : null;
}

/** What keeps an answer from being believed, whatever it says; null when nothing does. */
function distrust(
  pairs: ReadonlyMap<string, string>,
  request: VerifyRequest,
  apiKey: Uint8Array | null,
): string | null {
  if (apiKey) {
    const given = (pairs.get('h') ?? '').replaceAll(' ', '+');
    if (!sameText(given, signatureOf([...pairs], apiKey))) return 'its answer is not signed with our API key';
  }
  for (const name of ['otp', 'nonce'] as const) {
    const echo = pairs.get(name);
    if (echo !== undefined && echo !== request[name]) return `its answer is to another ${name}`;
    if (echo === undefined && pairs.get('status') === 'OK') return `its answer does not name the ${name}`;
  }
  return null;
}

/** Whether as many peers were asked as was demanded. */
function isSynced(demanded: string | null, told: string | undefined): boolean {
  if (demanded === null || !/^\d+$/.test(demanded)) return true;
  return /^\d{1,3}$/.test(told ?? '') && Number(told) >= Number(demanded);
}

/**
 * What an answer with HTTP status 200 means.
 *
 * Only an OK that names this OTP and this nonce, is signed where there is a key, and says its status once, is a pass.
 *
 * @param apiKey  null when the way there is all that is trusted
 */
export function judgeAnswer(body: string, request: VerifyRequest, apiKey: Uint8Array | null): Outcome {
  const pairs = pairsOf(body);
  const status = pairs?.get('status');
  if (!pairs || status === undefined) return unavailable('its answer is not one of the validation protocol');
  const doubt = distrust(pairs, request, apiKey);
  if (doubt !== null) return unavailable(doubt);
  const signed = apiKey ? 'Its answer is signed with our API key.' : 'Its answer is not signed.';
  const refused = REFUSALS[status];
  if (refused) return { kind: 'refused', why: refused[0], steps: [signed, refused[1]] };
  if (status !== 'OK') return unavailable(UNAVAILABLE[status] ?? 'its answer has a status that is not known');
  if (!isSynced(request.syncLevel, pairs.get('sl')))
    return unavailable('it asked fewer of its peers than it was told to');
  const useCounter = counterOf(pairs.get('sessioncounter'), 0x7fff);
  const sessionUse = counterOf(pairs.get('sessionuse'), 0xff);
  const counters = useCounter === null || sessionUse === null ? null : { useCounter, sessionUse };
  const seen = counters ? `Its counters are ${useCounter}.${sessionUse}.` : 'It does not tell the counters.';
  return { kind: 'accepted', counters, steps: [signed, `It takes the OTP. ${seen}`] };
}
