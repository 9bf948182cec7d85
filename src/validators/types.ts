import type { Counters, SplitOtp } from '../otp/token.ts';

/**
 * Why an OTP does not count. A validation service tells `bad` for all that it does not take (wrong, disabled, of an
 * unknown key); our own store knows more.
 */
export type Refusal = 'replayed' | 'delayed' | 'bad' | 'disabled' | 'wrong' | 'unknown-key';

/**
 * What came of asking a validator. `unavailable` is neither a pass nor a wrong OTP: nobody could tell, and the OTP may
 * have been spent on the way.
 */
export type Outcome = {
  /** How it came about, as sentences, without secrets. */
  readonly steps: readonly string[];
} & (
  | {
      readonly kind: 'accepted';
      /** null when the service does not tell them. */
      readonly counters: Counters | null;
    }
  | { readonly kind: 'refused'; readonly why: Refusal }
  | { readonly kind: 'unavailable'; readonly why: string }
);

/** Spends OTPs: of any number of requests with the same one, one is accepted, ever. */
export type Validator = {
  /** As it is shown: `local`, `yubicloud`, or the addresses. */
  readonly name: string;
  /** Whether it keeps the counters in our own store. */
  readonly local: boolean;
  /** Never throws for what a service does or does not do. */
  readonly spend: (otp: SplitOtp, signal: AbortSignal) => Promise<Outcome>;
};

/** How a validator is found again; it is kept beside a login, and holds no secret. */
export type ValidatorConfig =
  | { readonly kind: 'local' }
  | {
      readonly kind: 'remote';
      readonly urls: readonly string[];
      readonly clientId: string;
      /** Private file with the API key, in base64; null to ask without a signature. */
      readonly apiKeyFile: string | null;
      /** Share of its peers that a service has to ask: `fast`, `secure` or 0 to 100; null leaves it the choice. */
      readonly syncLevel: string | null;
    };
