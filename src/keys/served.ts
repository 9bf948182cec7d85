import type { Counters } from '../otp/token.ts';
import type { KeyRecord, KeyStore, NewKey, OtpSecret, SeenCounters, Spent } from './store.ts';

/** Something that an import changes. */
export type KeyChange =
  | { readonly kind: 'add'; readonly key: NewKey }
  /** What is disabled stays so, and counters go up only, whatever happened since somebody looked. */
  | {
      readonly kind: 'raise';
      readonly publicId: string;
      readonly state: KeyRecord['state'];
      readonly counters: SeenCounters | null;
    };

/**
 * The keys that validation serves from, whatever they lie in: of the store of a desk, the part that several servers may
 * share. What changes something is on the disk when its promise is kept; all may be rejected with AppError E_STORE.
 */
export type ServedKeys = {
  readonly key: (publicId: string) => Promise<KeyRecord | undefined>;
  readonly keys: () => Promise<readonly KeyRecord[]>;
  readonly secretOf: (publicId: string) => Promise<OtpSecret | undefined>;
  /** See {@link KeyStore.spend}. */
  readonly spend: (
    publicId: string,
    otp: Counters & { readonly timestamp: number },
    nowMs: number,
  ) => Promise<Spent>;
  /**
   * Make all of these changes, or none.
   *
   * @returns false when a key that is to be added is there by now: nothing was changed
   */
  readonly apply: (changes: readonly KeyChange[], nowMs: number) => Promise<boolean>;
  /** Take no OTP of a key any more. @returns the public ids that were active */
  readonly disable: (serial: number, nowMs: number) => Promise<readonly string[]>;
  /** Whether anything is on record of a key. */
  readonly isKnown: (serial: number) => Promise<boolean>;
  /** Access codes of the slots that are on record here, by public id. */
  readonly accessCodes: () => Promise<ReadonlyMap<string, Uint8Array>>;
};

/** The keys of a store on this machine, as validation sees them. */
export function servedBy(store: KeyStore): ServedKeys {
  return {
    key: async (publicId) => store.key(publicId),
    keys: async () => store.keys(),
    secretOf: async (publicId) => store.secretOf(publicId),
    spend: async (publicId, otp, nowMs) => store.spend(publicId, otp, nowMs),
    apply: async (changes, nowMs) => store.apply(changes, nowMs),
    disable: async (serial, nowMs) => store.disable(serial, nowMs),
    isKnown: async (serial) =>
      store.slots(serial).length > 0 || store.keys().some((key) => key.serial === serial),
    accessCodes: async () =>
      new Map(
        store
          .slots()
          .flatMap((record) =>
            record.state === 'current' && record.publicId !== null
              ? [[record.publicId, store.contentOf(record).accessCode]]
              : [],
          ),
      ),
  };
}
