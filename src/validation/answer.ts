import { signatureOf } from '../validators/protocol.ts';
import type { Pairs } from './request.ts';

/** Verdicts of the validation protocol 2.0, and DELAYED_OTP, which some servers have besides. */
export type VerifyStatus =
  | 'OK'
  | 'BAD_OTP'
  | 'REPLAYED_OTP'
  | 'REPLAYED_REQUEST'
  | 'DELAYED_OTP'
  | 'MISSING_PARAMETER'
  | 'NO_SUCH_CLIENT'
  | 'BAD_SIGNATURE'
  | 'OPERATION_NOT_ALLOWED'
  | 'BACKEND_ERROR';

/** What an answer may say besides its status. Only what was checked is ever named. */
export type AnswerParts = {
  readonly status: VerifyStatus;
  readonly nowMs: number;
  /** OTP and nonce of the request, once it is known that they are what they should be. */
  readonly echo?: { readonly otp: string; readonly nonce: string };
  readonly counters?: {
    readonly timestamp: number;
    readonly useCounter: number;
    readonly sessionUse: number;
  };
  /** Null where the client is not known: the answer then has a signature that nobody can check. */
  readonly apiKey: Uint8Array | null;
};

/** `2026-11-25T12:00:00Z0123`: four digits behind the Z, the last three are milliseconds. */
function timeOf(nowMs: number): string {
  const iso = new Date(nowMs).toISOString();
  return `${iso.slice(0, 19)}Z0${iso.slice(20, 23)}`;
}

const NO_KEY = new Uint8Array(0);

/**
 * An answer as it is sent: lines that end in CR LF and an empty one. There is always an `h`: clients take an answer
 * without one for forged, whether they signed or not.
 */
export function formatAnswer({ status, nowMs, echo, counters, apiKey }: AnswerParts): string {
  const pairs: Pairs = [
    ['t', timeOf(nowMs)],
    ...(echo
      ? ([
          ['otp', echo.otp],
          ['nonce', echo.nonce],
        ] as const)
      : []),
    // Every process and node has the same synchronous store: whoever answers has asked all of them.
    ...(status === 'OK' ? [['sl', '100'] as const] : []),
    ...(counters
      ? ([
          ['timestamp', String(counters.timestamp)],
          ['sessioncounter', String(counters.useCounter)],
          ['sessionuse', String(counters.sessionUse)],
        ] as const)
      : []),
    ['status', status],
  ];
  const signed: Pairs = [['h', signatureOf(pairs, apiKey ?? NO_KEY)], ...pairs];
  return `${signed.map(([name, value]) => `${name}=${value}\r\n`).join('')}\r\n`;
}
