import type { Counters } from '../otp/token.ts';
import type { ValidatorConfig } from '../validators/types.ts';

/** A touch alone, or a base password and a touch. */
export type LoginKind = 'otp' | 'password+otp';

/** One way into an account. */
export type LoginSet = {
  readonly id: string;
  readonly account: string;
  readonly kind: LoginKind;
  readonly label: string;
  /** Public ids of its keys, in modhex. */
  readonly publicIds: readonly string[];
  /** Services it is good for; empty for all. */
  readonly services: readonly string[];
  /** Argon2id of the base password (PHC string); null for `otp`. */
  readonly password: string | null;
  /** Milliseconds since the epoch; null for never. */
  readonly expiresMs: number | null;
  readonly createdMs: number;
};

export type NewLogin = Omit<LoginSet, 'id' | 'publicIds' | 'createdMs'>;

/** A key by which somebody logs in. */
export type LoginKey = {
  readonly publicId: string;
  readonly validator: ValidatorConfig;
  /** The last ones that were seen; -1 before the first. */
  readonly counters: Counters;
};

/** A password for programs that log in again and again. */
export type SessionPassword = {
  readonly id: string;
  readonly account: string;
  readonly service: string;
  /** Network it may be used from; null for any. */
  readonly network: string | null;
  /** How long it counts from its first use. */
  readonly lengthMs: number;
  readonly createdMs: number;
  readonly firstMs: number | null;
  readonly lastMs: number | null;
};

export type NewSession = Pick<SessionPassword, 'account' | 'service' | 'network' | 'lengthMs'> & {
  /** SHA-256 of the password. */
  readonly digest: Uint8Array;
};

/** Which logins; every part that is given has to fit. */
export type LoginFilter = {
  readonly account?: string | undefined;
  readonly id?: string | undefined;
  readonly publicIds?: readonly string[] | undefined;
};

/**
 * Logins, the keys they use, and session passwords. What changes something is on the disk when its promise is
 * kept; all may be rejected with AppError E_STORE.
 */
export type LoginStore = {
  /** @returns its id */
  readonly add: (login: NewLogin, key: LoginKey, nowMs: number) => Promise<string>;
  /** One key more for a login. */
  readonly addKey: (loginId: string, key: LoginKey) => Promise<void>;
  /** @returns whether it was there */
  readonly remove: (id: string) => Promise<boolean>;
  readonly setPassword: (id: string, password: string, nowMs: number) => Promise<void>;
  readonly find: (filter: LoginFilter) => Promise<readonly LoginSet[]>;
  /** Those of some public ids that somebody logs in with. */
  readonly keys: (publicIds: readonly string[]) => Promise<readonly LoginKey[]>;
  /**
   * Record counters that a validator told of a key: one conditional write.
   *
   * @returns false when they, or later ones, were seen before
   */
  readonly remember: (publicId: string, counters: Counters, nowMs: number) => Promise<boolean>;
  /** @returns its id */
  readonly addSession: (session: NewSession, nowMs: number) => Promise<string>;
  readonly sessionBy: (digest: Uint8Array) => Promise<SessionPassword | undefined>;
  /** Its hour begins with the first use. */
  readonly useSession: (id: string, nowMs: number) => Promise<void>;
  readonly sessions: (account?: string) => Promise<readonly SessionPassword[]>;
  /** @returns how many there were */
  readonly endSessions: (which: {
    readonly id?: string;
    readonly accounts?: readonly string[];
  }) => Promise<number>;
  readonly close: () => Promise<void>;
};
