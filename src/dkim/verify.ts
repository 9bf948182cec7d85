import type { Resolver } from '../dns/types.ts';
import type { Wire } from '../message/wire.ts';
import { headerVerifies } from './canonical.ts';
import { causeOf, explainCause, NOT_LOOKED_AT } from './causes.ts';
import { type Signed, verifyDirectly, Workbench } from './direct/verify.ts';
import { bodyOf, type HeaderField } from './fields.ts';
import { type Key, lookUpKey } from './key.ts';
import type { RawChain, RawVerdict } from './mailauth.ts';
import { signatureOf } from './signature.ts';
import { readTags, type TagList } from './tags.ts';
import type { FailureCause, SignatureTags, SignatureVerdict } from './types.ts';

/** What the verification of one message may cost. */
export type DkimLimits = {
  /** Signatures that are evaluated (RFC 6376 §6.1 allows a limit). */
  readonly signatures: number;
  /** Different `l=` values among them: each is a hash of the body of its own. */
  readonly bodyLengths: number;
};

export const DKIM_LIMITS: DkimLimits = { signatures: 10, bodyLengths: 4 };

export type DkimInput = {
  readonly wire: Wire;
  /** `splitFields` of its header. */
  readonly fields: readonly HeaderField[];
  /** Names whose signatures are looked at first: the author's domain. */
  readonly authorDomain: string | null;
  /** Expiry is judged at this time, milliseconds since the epoch; it may depend on whether there is any. */
  readonly nowMs: number | ((signatures: readonly SignatureTags[]) => number);
  /** Asked for keys; it has to have bounds of its own. */
  readonly dns: Resolver;
  readonly limits?: DkimLimits;
  /** Whether the ARC chain is verified along with the signatures; it is unless this is false. */
  readonly chain?: boolean;
  /** Shared by many messages; null leaves every message to mailauth. */
  readonly workbench?: Workbench | null;
};

export type DkimReport = {
  /** In the order of the message. */
  readonly signatures: readonly SignatureVerdict[];
  /** The key of each signature that has one, by the index of the signature. */
  readonly keys: ReadonlyMap<number, Key>;
  readonly chain: RawChain;
  /** How many signatures were left out because there are too many. */
  readonly leftOut: number;
};

type Read = {
  readonly index: number;
  readonly field: HeaderField;
  readonly list: TagList;
  readonly tags: SignatureTags;
};

const NO_CHAIN: RawChain = { result: 'none', comment: null, assumedRelaxed: false };

/**
 * Verify the DKIM signatures of a message (RFC 6376 §6), and its ARC chain along with them, as both read the same
 * header and body. Without a body, signatures are `neutral` with the cause `body-unknown`, never `fail`.
 */
export async function verifyDkim(input: DkimInput): Promise<DkimReport> {
  const read = readSignatures(input.fields);
  const evaluate = choose(read, input.authorDomain, input.limits ?? DKIM_LIMITS);
  const nowMs = typeof input.nowMs === 'number' ? input.nowMs : input.nowMs(read.map(({ tags }) => tags));
  const workbench = input.workbench === undefined ? new Workbench() : input.workbench;
  const keys = await lookUpKeys(read, evaluate, input.dns, workbench);
  const raw =
    directly({ ...input, nowMs }, read, evaluate, keys, workbench) ??
    (await verify({ ...input, nowMs }, read, evaluate));
  const signatures: SignatureVerdict[] = [];
  for (const each of read)
    signatures.push(verdictOf(each, raw.signatures[each.index], keys.get(each.index), input));
  return { signatures, keys, chain: raw.chain, leftOut: read.length - evaluate.size };
}

/**
 * Loops, here and below, where `map` would do: what `map` makes changes its inner kind once it is compiled, and with it
 * all is compiled again that was compiled for the other.
 */
function readSignatures(fields: readonly HeaderField[]): Read[] {
  const read: Read[] = [];
  for (const field of fields) {
    if (field.name !== 'dkim-signature') continue;
    const list = readTags(bodyOf(field));
    read.push({ index: read.length, field, list, tags: signatureOf(list) });
  }
  return read;
}

/** Those of the author's domain first: nobody is to hide the one that counts behind many that do not. */
function choose(read: readonly Read[], authorDomain: string | null, limits: DkimLimits): Set<number> {
  if (read.length <= Math.min(limits.signatures, limits.bodyLengths)) return new Set(read.keys());
  const [first, rest] = [read.filter(isOfAuthor), read.filter((each) => !isOfAuthor(each))];
  const chosen = new Set<number>();
  const lengths = new Set<number>();
  for (const { index, tags } of [...first, ...rest]) {
    if (chosen.size >= limits.signatures) break;
    if (tags.bodyLength !== null) {
      if (!lengths.has(tags.bodyLength) && lengths.size >= limits.bodyLengths) continue;
      lengths.add(tags.bodyLength);
    }
    chosen.add(index);
  }
  return chosen;

  function isOfAuthor({ tags }: Read): boolean {
    if (authorDomain === null || tags.domain === null) return false;
    return authorDomain === tags.domain || authorDomain.endsWith(`.${tags.domain}`);
  }
}

/** All at once, so that one silent server costs its time once. */
async function lookUpKeys(
  read: readonly Read[],
  evaluate: ReadonlySet<number>,
  dns: Resolver,
  workbench: Workbench | null,
): Promise<ReadonlyMap<number, Key>> {
  const remember = workbench === null ? undefined : workbench.read;
  const keys = new Map<number, Key>();
  const lookups: Promise<void>[] = [];
  const lookUp = async (index: number, selector: string, domain: string) => {
    keys.set(index, await lookUpKey(selector, domain, dns, remember));
  };
  for (const { index, tags } of read) {
    const { badName, selector, domain } = tags;
    if (evaluate.has(index) && !badName && selector !== null && domain !== null)
      lookups.push(lookUp(index, selector, domain));
  }
  // Most messages have one signature: nothing has to be gathered.
  await (lookups.length === 1 ? lookups[0] : Promise.all(lookups));
  return keys;
}

type TimedInput = DkimInput & { readonly nowMs: number };

type Raw = { readonly signatures: readonly RawVerdict[]; readonly chain: RawChain };

const NOTHING: Raw = { signatures: [], chain: NO_CHAIN };

/** By ourselves, where there is nothing unusual; null where there is. */
function directly(
  { wire, fields, nowMs, chain = true }: TimedInput,
  read: readonly Read[],
  evaluate: ReadonlySet<number>,
  keys: ReadonlyMap<number, Key>,
  workbench: Workbench | null,
): Raw | null {
  const sealed = chain && fields.some(({ name }) => name.startsWith('arc-'));
  if (wire.body === null || (read.length === 0 && !sealed)) return NOTHING;
  if (workbench === null || sealed || evaluate.size < read.length) return null;
  const signed: Signed[] = [];
  for (const { index, field, list, tags } of read) signed.push({ field, list, tags, key: keys.get(index) });
  const signatures = verifyDirectly(wire, fields, signed, nowMs, workbench);
  return signatures === null ? null : { signatures, chain: NO_CHAIN };
}

/** By mailauth, whatever it is. */
async function verify(
  { wire, dns, nowMs }: TimedInput,
  read: readonly Read[],
  evaluate: ReadonlySet<number>,
): Promise<Raw> {
  const underscored = read.filter(({ tags }) => isUnderscored(tags)).map(({ index }) => index);
  const { verifyWithMailauth } = await import('./mailauth.ts');
  return verifyWithMailauth(wire, { dns, nowMs, evaluate, underscored: new Set(underscored) });
}

function isUnderscored({ domain, selector, faults, badName }: SignatureTags): boolean {
  return !badName && faults.length === 0 && `${selector}.${domain}`.includes('_');
}

function verdictOf(
  { index, field, tags }: Read,
  raw: RawVerdict | undefined,
  key: Key | undefined,
  { wire, fields }: DkimInput,
): SignatureVerdict {
  const record = key?.record ?? null;
  const cause: FailureCause | null = raw === undefined ? 'body-unknown' : causeOf(raw);
  const isPasted = isBodyMissing(wire) && (cause === 'body-hash' || cause === 'body-unknown');
  const settled = isPasted ? 'body-unknown' : cause;
  const publicKey = key?.publicKey ?? null;
  return {
    ...tags,
    index,
    result: raw === undefined || isPasted ? NOT_LOOKED_AT : raw.result,
    cause: settled,
    reason: settled === null ? null : explainCause(settled, tags, record),
    key: record,
    bodyOctets: raw?.bodyOctets ?? null,
    signedOctets: raw?.signedOctets ?? null,
    headerVerifies: isPasted && publicKey !== null && headerVerifies(fields, field, tags, publicKey),
    diagnosis: null,
  };
}

/** A header block that was pasted may well have an empty line or two behind it. */
export function isBodyMissing({ body }: Wire): boolean {
  return body === null || (body.length < 64 && body.toString('latin1').trim() === '');
}
