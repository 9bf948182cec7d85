import { decryptOtp, isLater, splitOtp } from '../../otp/token.ts';
import type { KeyChange, ServedKeys } from '../served.ts';
import { isOurs } from '../spend.ts';
import type { KeyRecord, OtpSecret } from '../store.ts';
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

async function proveAll(
  store: ServedKeys | undefined,
  whole: Map<string, KeyEntry>,
  otps: readonly string[],
) {
  const proven = new Map<string, boolean>();
  const strangers: string[] = [];
  for (const typed of otps) {
    const split = splitOtp(typed);
    const entry = split && whole.get(split.publicId);
    if (!entry) {
      strangers.push(split?.publicId ?? '');
      continue;
    }
    const better = prove(entry, await store?.secretOf(split.publicId), split.ciphertext);
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

/** What is to become of a key, and what has to be changed for it. */
type Decision = Pick<Adopted, 'outcome' | 'state'> & { readonly change?: KeyChange };

async function decide(store: ServedKeys | undefined, entry: KeyEntry, mayServe: boolean): Promise<Decision> {
  const { publicId, aesKey, privateId, counters, serial } = entry;
  const before = await store?.key(publicId);
  const known = await store?.secretOf(publicId);
  const state = stateAfter(entry, before, mayServe);
  if (before && known) {
    if (!sameSecret(known, entry)) return { outcome: 'conflict', state: before.state };
    const rises = counters !== null && isLater(counters, before.counters);
    if (!rises && state === before.state) return { outcome: 'unchanged', state };
    const change = { kind: 'raise', publicId, state, counters: rises ? counters : null } as const;
    return { outcome: 'updated', state, change };
  }
  if (!aesKey || !privateId) return { outcome: 'no-secret', state: null };
  const key = { publicId, state, serial, counters, secret: { aesKey, privateId } };
  return { outcome: 'added', state, change: { kind: 'add', key } };
}

/** What became of each, and the public ids of OTPs whose key is in none of the files. */
export type Adoptions = { readonly keys: readonly Adopted[]; readonly strangers: readonly string[] };

const TORN: Decision = { outcome: 'conflict', state: null };

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
 */
export async function adopt(
  store: ServedKeys | undefined,
  entries: Iterable<KeyEntry>,
  otps: readonly string[],
  { nowMs, dryRun, requireProof }: Adoption,
): Promise<Adoptions> {
  const { whole, torn } = mergeAll(entries);
  const { proven, strangers } = await proveAll(store, whole, otps);
  // An OTP that does not decrypt says that the file is not of this key: then nothing is taken.
  const blocked = [...proven.values()].includes(false);
  for (;;) {
    const keys: Adopted[] = [];
    const changes: KeyChange[] = [];
    for (const entry of whole.values()) {
      const { publicId } = entry;
      const shared = { publicId, proven: proven.get(publicId) ?? null };
      const { change, ...decided } = torn.has(publicId)
        ? TORN
        : await decide(store, entry, shared.proven === true || !requireProof);
      keys.push({ ...shared, ...decided });
      if (change) changes.push(change);
    }
    // Where somebody else added one of them meanwhile, that one is looked at again.
    if (!store || dryRun || blocked || (await store.apply(changes, nowMs))) return { keys, strangers };
  }
}
