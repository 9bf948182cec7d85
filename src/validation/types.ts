import type { KeyState, OtpSecret } from '../keys/store.ts';
import type { OtpFields } from '../otp/token.ts';

/** A program that may ask for verdicts. */
export type Client = {
  readonly id: number;
  readonly label: string;
  readonly state: 'active' | 'disabled';
  /** Keys that signatures are made with, the current one first; an older one for the time of a rotation. */
  readonly apiKeys: readonly [Uint8Array, ...Uint8Array[]];
  /** Whether unsigned requests are refused. */
  readonly mustSign: boolean;
  /** How the public ids begin that it may ask about; empty for all. */
  readonly publicIds: readonly string[];
  /** Networks that it asks from, in CIDR notation; empty for all. */
  readonly networks: readonly string[];
};

/** A right OTP that is to be spent. */
export type Spending = {
  readonly publicId: string;
  readonly fields: Pick<OtpFields, 'useCounter' | 'sessionUse' | 'timestamp'>;
  readonly nonce: string;
  readonly clientId: number;
  readonly nowMs: number;
};

/** What the store had for a key before an OTP was spent. */
export type Earlier = {
  readonly useCounter: number;
  readonly timestamp: number | null;
  readonly seenMs: number | null;
};

/**
 * Outcome of spending. `same-request` is a repetition with the same nonce; the OTP of a disabled key is spent, too: it
 * must not count once the key is enabled again.
 */
export type Spent =
  | { readonly kind: 'fresh'; readonly state: KeyState; readonly earlier: Earlier }
  | { readonly kind: 'used' }
  | { readonly kind: 'same-request' };

/**
 * What the server needs of a store, whatever it is made of. Every promise may be rejected: then nobody knows, and
 * nothing may be answered as if it had been written.
 */
export type ValidationStore = {
  readonly client: (id: number) => Promise<Client | undefined>;
  /**
   * A client as it was when it was last read: to sign with that nobody knows, so that the client believes it, and for
   * nothing else. Left out where reading does not fail.
   */
  readonly remembered?: (id: number) => Client | undefined;
  readonly secretOf: (publicId: string) => Promise<OtpSecret | undefined>;
  /** One conditional write, on the disk before this resolves: of any number of callers one gets `fresh`. */
  readonly spend: (spending: Spending) => Promise<Spent>;
  /** Write something, and see that it stays. */
  readonly check: (nowMs: number) => Promise<void>;
  readonly close: () => Promise<void>;
};
