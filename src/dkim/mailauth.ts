import { finished } from 'node:stream/promises';
import { arc } from 'mailauth/lib/arc/index.js';
import { DkimVerifier, type PreparedSignature } from 'mailauth/lib/dkim/dkim-verifier.js';
import { mailauthResolver, type NodeStyleResolve } from '../dns/mailauth-resolver.ts';
import type { Resolver } from '../dns/types.ts';
import type { Wire } from '../message/wire.ts';

/** What mailauth says of one DKIM-Signature. */
export type RawVerdict = {
  readonly result: 'pass' | 'fail' | 'neutral' | 'policy' | 'temperror';
  /** Its words for why; they do not change within a version, and tests hold us to them. */
  readonly comment: string | null;
  /** `weak-key` or `weak-algorithm`. */
  readonly policy: string | null;
  /** Octets of the canonical body, and how many of them are signed; null when it was not hashed. */
  readonly bodyOctets: number | null;
  readonly signedOctets: number | null;
};

/** What it says of the ARC chain (RFC 8617 §5.2). */
export type RawChain = {
  readonly result: 'none' | 'pass' | 'fail';
  readonly comment: string | null;
  /** The newest message signature has no `c=` and verifies only as relaxed/relaxed. */
  readonly assumedRelaxed: boolean;
};

export type VerifyOptions = {
  /** Asked for keys; it has to have bounds of its own. */
  readonly dns: Resolver;
  /** Expiry is judged at this time, milliseconds since the epoch. */
  readonly nowMs: number;
  /** Which DKIM-Signature fields are looked at, counted from the top; the others cost nothing. */
  readonly evaluate: ReadonlySet<number>;
  /** Those whose only fault is an underscore in `d=` or `s=`. */
  readonly underscored: ReadonlySet<number>;
};

const NOT_EVALUATED = 'not evaluated';

const UNKNOWN_CANONICALIZATION = 'unknown canonicalization';

/** `c=/relaxed`, which mailauth takes for one kind when it reads it, and for another when it throws. */
function hasNoHeaderCanonicalization({ parsed }: PreparedSignature): boolean {
  const value = String(parsed?.['c']?.value ?? '').trim();
  return value.includes('/') && value.split('/')[0]?.trim() === '';
}

/**
 * mailauth's verifier is a class that is asked to prepare each signature. There those that are not to be evaluated
 * are left out before their body is hashed and their key looked up, and underscores, which its strict grammar
 * refuses and the rest of the world accepts, are hidden from that grammar and from nothing else.
 */
class Verifier extends DkimVerifier {
  private prepared = 0;
  private readonly choice: VerifyOptions;

  constructor(choice: VerifyOptions, resolver: NodeStyleResolve) {
    super({ strict: true, resolver, curTime: new Date(choice.nowMs) });
    this.choice = choice;
  }

  override prepareSignature(signature: PreparedSignature): void {
    const prepare = () => {
      if (hasNoHeaderCanonicalization(signature)) signature.skip = UNKNOWN_CANONICALIZATION;
      else super.prepareSignature(signature);
    };
    if (signature.type === 'ARC') {
      // RFC 8617 §4.1.2 takes simple/simple; sealers that leave c= out mean what the drafts meant.
      if (signature.parsed?.['c'] === undefined) signature.fallbackCanonicalization = 'relaxed/relaxed';
      prepare();
      return;
    }
    const index = this.prepared++;
    if (!this.choice.evaluate.has(index)) signature.skip = NOT_EVALUATED;
    else if (this.choice.underscored.has(index)) hidingUnderscores(signature, prepare);
    else prepare();
  }
}

/**
 * Verify DKIM signatures and ARC sets with mailauth, strictly (RFC 6376, 8301, 8463, 8617). The one file that
 * imports it for that, itself imported only when there is something to verify.
 */
export async function verifyWithMailauth(
  wire: Wire,
  options: VerifyOptions,
): Promise<{ readonly signatures: readonly RawVerdict[]; readonly chain: RawChain }> {
  const resolver = mailauthResolver(options.dns);
  const verifier = new Verifier(options, resolver);
  await write(verifier, wire);
  const chain = await arc(verifier.arc, { strict: true, resolver });
  const isSigned = verifier.signatureHeaders.some(({ type }) => type === 'DKIM');
  const { result, comment } = chain.status;
  return {
    signatures: isSigned ? verifier.results.map(readVerdict) : [],
    chain: {
      result: result === 'pass' || result === 'fail' ? result : 'none',
      comment: comment || null,
      assumedRelaxed: chain.warnings?.includes('ams-c-default') === true,
    },
  };
}

type Verdict = {
  readonly status: { readonly result: string; readonly comment?: unknown; readonly policy?: unknown };
};

function readVerdict(raw: Verdict): RawVerdict {
  const { status } = raw;
  const sizes = raw as { canonBodyLengthTotal?: unknown; canonBodyLength?: unknown };
  const policy = (status.policy as Record<string, unknown> | undefined)?.['dkim-rules'];
  return {
    result: isResult(status.result) ? status.result : 'neutral',
    comment: typeof status.comment === 'string' ? status.comment : null,
    policy: typeof policy === 'string' ? policy : null,
    bodyOctets: numberOrNull(sizes.canonBodyLengthTotal),
    signedOctets: numberOrNull(sizes.canonBodyLength),
  };
}

function isResult(word: string): word is RawVerdict['result'] {
  return ['pass', 'fail', 'neutral', 'policy', 'temperror'].includes(word);
}

function numberOrNull(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

/** Let the grammar see a letter where there is an underscore; what is looked up has the underscore again. */
function hidingUnderscores(signature: PreparedSignature, prepare: () => void): void {
  const tags = ['d', 's', 'i'].flatMap((name) => {
    const tag = signature.parsed?.[name];
    return tag === undefined ? [] : [{ tag, value: tag.value }];
  });
  for (const { tag, value } of tags) tag.value = String(value).replaceAll('_', 'x');
  prepare();
  for (const { tag, value } of tags) tag.value = value;
  signature.signingDomain = String(signature.parsed?.['d']?.value ?? '');
  signature.selector = String(signature.parsed?.['s']?.value ?? '');
}

const CHUNK_BYTES = 256 * 1024;

async function write(verifier: NodeJS.WritableStream, { head, body }: Wire): Promise<void> {
  const done = finished(verifier);
  verifier.write(head);
  if (body !== null) {
    verifier.write('\r\n');
    for (let at = 0, end = 0; at < body.length; at = end) {
      end = endOfChunk(body, at);
      if (verifier.write(body.subarray(at, end))) continue;
      await Promise.race([new Promise((resolve) => verifier.once('drain', resolve)), done]);
    }
  }
  verifier.end();
  await done;
}

/** At the end of a line: a line that comes in pieces is copied with each of them, and one may have 50 MB. */
function endOfChunk(body: Uint8Array, at: number): number {
  const end = body.indexOf(0x0a, at + CHUNK_BYTES);
  return end === -1 ? body.length : end + 1;
}
