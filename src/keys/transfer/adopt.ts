import { decryptOtp, isLater, splitOtp } from '../../otp/token.ts';
import { isOurs } from '../spend.ts';
import type { KeyRecord, KeyStore, OtpSecret } from '../store.ts';
import type { KeyEntry } from './entry.ts';

/** What became of a key from a file. */
export type Outcome =
  /** It was not known. */
  | 'added'
  /** Counters went up, or it was disabled. */
  | 'updated'
  | 'unchanged'
  /** Another secret is on record for its public id; nothing was changed. */
  | 'conflict'
  /** Neither the files nor the store know its secrets. */
  | 'no-secret';

export type Adopted = {
  readonly publicId: string;
  readonly outcome: Outcome;
  readonly state: KeyRecord['state'] | null;
  /** Whether an OTP of it was given and decrypted; null when none was given. */
  readonly proven: boolean | null;
};

const later = (one: KeyEntry['counters'], other: KeyEntry['counters']) =>
  one && (!other || isLater(one, other)) ? one : other;

/** What holds for a key of which two files say something: disabled, then in use, then not yet seen. */
function strictest(one: KeyEntry['state'], other: KeyEntry['state']): KeyEntry['state'] {
  const order = ['disabled', 'active', 'written'] as const;
  return order.find((state) => state === one || state === other) ?? null;
}

/** One entry a public id: a database of secrets and one of counters make a whole. Undefined where they differ. */
function merged(one: KeyEntry | undefined, other: KeyEntry): KeyEntry | undefined {
  if (!one) return other;
  const differs = (a: Uint8Array | null, b: Uint8Array | null) => a && b && !Buffer.from(a).equals(b);
  if (differs(one.aesKey, other.aesKey) || differs(one.privateId, other.privateId)) return undefined;
  return {
    publicId: one.publicId,
    aesKey: one.aesKey ?? other.aesKey,
    privateId: one.privateId ?? other.privateId,
    serial: one.serial ?? other.serial,
    state: strictest(one.state, other.state),
    counters: later(one.counters, other.counters),
  };
}

function mergeAll(entries: Iterable<KeyEntry>): { whole: Map<string, KeyEntry>; torn: Set<string> } {
  const whole = new Map<string, KeyEntry>();
  const torn = new Set<string>();
  for (const entry of entries) {
    const both = merged(whole.get(entry.publicId), entry);
    if (both) whole.set(entry.publicId, both);
    else torn.add(entry.publicId);
  }
  return { whole, torn };
}

/** What an OTP proves about a key: the entry with its counters, and with its private id where the file had none. */
function prove(entry: KeyEntry, known: OtpSecret | undefined, ciphertext: Uint8Array): KeyEntry | undefined {
  const aesKey = entry.aesKey ?? known?.aesKey;
  if (!aesKey) return undefined;
  const fields = decryptOtp(ciphertext, aesKey);
  const expected = entry.privateId ?? known?.privateId ?? Buffer.from(fields.privateId, 'hex');
  if (!isOurs(fields, { aesKey, privateId: expected })) return undefined;
  return {
    ...entry,
    aesKey,
    privateId: expected,
    state: strictest(entry.state, 'active'),
    counters: later(fields, entry.counters),
  };
}

function proveAll(store: KeyStore | undefined, whole: Map<string, KeyEntry>, otps: readonly string[]) {
  const proven = new Map<string, boolean>();
  const strangers: string[] = [];
  for (const typed of otps) {
    const split = splitOtp(typed);
    const entry = split && whole.get(split.publicId);
    if (!entry) {
      strangers.push(split?.publicId ?? '');
      continue;
    }
    const better = prove(entry, store?.secretOf(split.publicId), split.ciphertext);
    if (better) whole.set(split.publicId, better);
    proven.set(split.publicId, better !== undefined && proven.get(split.publicId) !== false);
  }
  return { proven, strangers };
}

const same = (one: Uint8Array, other: Uint8Array | null) => !other || Buffer.from(one).equals(other);

const sameSecret = (known: OtpSecret, { aesKey, privateId }: KeyEntry) =>
  same(known.aesKey, aesKey) && same(known.privateId, privateId);

/** The state that a key gets: what is disabled on either side stays so; what was never seen to work waits. */
function stateAfter(
  { state }: KeyEntry,
  before: KeyRecord | undefined,
  mayServe: boolean,
): KeyRecord['state'] {
  if (before?.state === 'disabled' || state === 'disabled') return 'disabled';
  if (before?.state === 'active') return 'active';
  return mayServe && (state ?? before?.state ?? 'active') === 'active' ? 'active' : 'written';
}

function adoptOne(
  store: KeyStore | undefined,
  entry: KeyEntry,
  { nowMs, dryRun, mayServe }: { nowMs: number; dryRun: boolean; mayServe: boolean },
) {
  const { publicId, aesKey, privateId, counters, serial } = entry;
  const before = store?.key(publicId);
  const known = store?.secretOf(publicId);
  const state = stateAfter(entry, before, mayServe);
  if (before && known) {
    if (!sameSecret(known, entry)) return { outcome: 'conflict', state: before.state } as const;
    const rises = counters !== null && isLater(counters, before.counters);
    if (!rises && state === before.state) return { outcome: 'unchanged', state } as const;
    if (!dryRun) store?.raise(publicId, { state, counters: rises ? counters : null }, nowMs);
    return { outcome: 'updated', state } as const;
  }
  if (!aesKey || !privateId) return { outcome: 'no-secret', state: null } as const;
  if (!dryRun) store?.add({ publicId, state, serial, counters, secret: { aesKey, privateId } }, nowMs);
  return { outcome: 'added', state } as const;
}

/** How keys are taken over. */
export type Adoption = {
  readonly nowMs: number;
  /** Change nothing. */
  readonly dryRun: boolean;
  /** Keys of which no OTP was given wait until there is one. */
  readonly requireProof: boolean;
};

/**
 * Take keys over, all of them or none. What is there already keeps its secrets; counters go up only; what is
 * disabled stays disabled. So the same may be taken over again at any time.
 *
 * @param otps  one OTP of each key, to prove that it decrypts with what the file says
 * @param store  undefined only for a dry run
 * @returns what became of each, and the public ids of OTPs whose key is in none of the files
 */
export function adopt(
  store: KeyStore | undefined,
  entries: Iterable<KeyEntry>,
  otps: readonly string[],
  { nowMs, dryRun, requireProof }: Adoption,
): { readonly keys: Adopted[]; readonly strangers: string[] } {
  const { whole, torn } = mergeAll(entries);
  const { proven, strangers } = proveAll(store, whole, otps);
  // An OTP that does not decrypt says that the file is not of this key: then nothing is taken.
  const blocked = [...proven.values()].includes(false);
  const work = () =>
    [...whole.values()].map((entry): Adopted => {
      const { publicId } = entry;
      const shared = { publicId, proven: proven.get(publicId) ?? null };
      if (torn.has(publicId)) return { ...shared, outcome: 'conflict', state: null };
      const mayServe = shared.proven === true || !requireProof;
      return { ...shared, ...adoptOne(store, entry, { nowMs, dryRun: dryRun || blocked, mayServe }) };
    });
  const keys = store && !dryRun ? store.atomically(work) : work();
  return { keys, strangers };
}
