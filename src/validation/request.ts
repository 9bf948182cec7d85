/** Names and values in the order in which they came, decoded once. */
export type Pairs = readonly (readonly [name: string, value: string])[];

/** A request that is well formed (validation protocol 2.0, "Request"). */
export type VerifyRequest = {
  readonly kind: 'request';
  readonly clientId: number;
  /** As it was sent: the answer has to name it in these very characters. */
  readonly otp: string;
  readonly nonce: string;
  /** HMAC-SHA-1 in base64; null when the request is not signed. */
  readonly signature: string | null;
  /** Whether timestamp and counters are asked for. */
  readonly wantsCounters: boolean;
};

/** What the answer to a request that is not well formed may be signed with. */
export type Malformed = { readonly kind: 'malformed'; readonly clientId: number | null };

export const REQUEST_LIMITS = { bytes: 4096, pairs: 32 } as const;

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return null;
  }
}

/**
 * Take a query or a form apart. What is there is signed as it is, unknown names included, so nothing is dropped.
 *
 * @returns null when it is too long, not properly encoded, or names something twice
 */
export function parsePairs(query: string): Pairs | null {
  if (query.length > REQUEST_LIMITS.bytes) return null;
  const parts = query.split('&').filter((part) => part !== '');
  if (parts.length > REQUEST_LIMITS.pairs) return null;
  const pairs: [string, string][] = [];
  const names = new Set<string>();
  for (const part of parts) {
    const at = part.indexOf('=');
    const name = decoded(at < 0 ? part : part.slice(0, at));
    const value = decoded(at < 0 ? '' : part.slice(at + 1));
    if (name === null || value === null || names.has(name)) return null;
    names.add(name);
    pairs.push([name, value]);
  }
  return pairs;
}

const NONCE = /^[A-Za-z0-9]{16,40}$/;
const SYNC_LEVEL = /^(?:\d{1,2}|100|fast|secure)$/;

/** 1 to 10 digits, not 0. */
function clientOf(text: string | undefined): number | null {
  const id = /^\d{1,10}$/.test(text ?? '') ? Number(text) : 0;
  return id === 0 ? null : id;
}

/**
 * What is asked. Whether the OTP is one is not looked at here.
 *
 * @returns the client alone when something that has to be there is missing or malformed
 */
export function readRequest(pairs: Pairs): VerifyRequest | Malformed {
  const values = new Map(pairs);
  const clientId = clientOf(values.get('id'));
  const otp = values.get('otp') ?? '';
  const nonce = values.get('nonce') ?? '';
  const fine =
    NONCE.test(nonce) &&
    SYNC_LEVEL.test(values.get('sl') ?? 'fast') &&
    /^\d{1,6}$/.test(values.get('timeout') ?? '1');
  if (clientId === null || otp === '' || !fine) return { kind: 'malformed', clientId };
  return {
    kind: 'request',
    clientId,
    otp,
    nonce,
    // A literal plus sign that was not encoded arrives as a blank.
    signature: values.get('h')?.replaceAll(' ', '+') ?? null,
    wantsCounters: values.get('timestamp') === '1',
  };
}
