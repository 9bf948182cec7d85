import { dmarcPassOf, readArcSets } from '../arc/sets.ts';
import { diagnose } from '../dkim/diagnose.ts';
import type { Workbench } from '../dkim/direct/verify.ts';
import { type RawField, splitFields } from '../dkim/fields.ts';
import { qualify } from '../dkim/qualify.ts';
import type { Diagnosis, Qualification, SignatureVerdict } from '../dkim/types.ts';
import { type DkimLimits, type DkimReport, isBodyMissing, verifyDkim } from '../dkim/verify.ts';
import { type DmarcVerdict, evaluateDmarc, type Identifier } from '../dmarc/evaluate.ts';
import type { BoundedResolver } from '../dns/bounded.ts';
import type { Field } from '../message/headers.ts';
import type { Wire } from '../message/wire.ts';
import type { SpfCheck } from '../spf/check.ts';
import { type Envelope, isHeloAlone } from './envelope.ts';
import type { ArcSection } from './types.ts';

export type AuthenticateInput = {
  readonly wire: Wire;
  readonly fields: readonly Field[];
  readonly envelope: Envelope;
  readonly authorDomain: string | null;
  /** Expiry is judged at this time, milliseconds since the epoch. */
  readonly asOfMs: number;
  /** What is signed after this time is signed in the future. */
  readonly latestMs: number;
  readonly dns: BoundedResolver;
  readonly limits: DkimLimits;
  readonly workbench?: Workbench | null;
};

/** A signature with everything that was found out about it. */
export type JudgedSignature = SignatureVerdict & {
  readonly aligned: boolean;
  readonly qualification: Qualification;
  /** Index of its field in the header; null where readers disagree. */
  readonly field: number | null;
};

/** What the mechanisms say of a message. */
export type Authentication = {
  /** Null when there was no question to ask. */
  readonly spf: SpfCheck | null;
  /** The same for the HELO name, where MAIL FROM was judged. */
  readonly spfHelo: SpfCheck | null;
  readonly signatures: readonly JudgedSignature[];
  readonly dmarc: DmarcVerdict;
  readonly arc: ArcSection;
  /** The author domain for which the newest ARC set reports DMARC pass. */
  readonly arcDmarcPassFor: string | null;
  /** Signatures that were left out as there are too many. */
  readonly leftOut: number;
  /** The header is larger than what is verified: nothing was. */
  readonly headerTooLarge: string | null;
};

const SPACE = 0x20;
const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;

/** Most of a header that signatures are verified over. */
const HEADER_LIMITS = { bytes: 1024 * 1024, fields: 2000, lines: 10_000, blanks: 500 } as const;

/** Ask every mechanism about one message. */
export async function authenticate(input: AuthenticateInput): Promise<Authentication> {
  const headerTooLarge = whyTooLarge(input.wire);
  const wire = headerTooLarge === null ? input.wire : { ...input.wire, head: Buffer.alloc(0) };
  const raw = splitFields(wire.head);
  const [dkim, spf, spfHelo] = await Promise.all([
    verifyDkim({ ...input, wire, fields: raw, nowMs: input.asOfMs }),
    askSpf(input, false),
    askSpf(input, true),
  ]);
  const dmarc = await evaluateDmarc(
    {
      authorDomain: input.authorDomain,
      spf: spfIdentifier(spf, input.envelope),
      signatures: dkim.signatures.map(({ domain, badName, result }) =>
        domain === null || badName ? null : { domain, passed: result === 'pass' },
      ),
    },
    input.dns,
  );
  const sets = readArcSets(raw);
  return {
    spf,
    spfHelo,
    signatures: judge(dkim, dmarc, raw, input),
    dmarc: isBodyMissing(wire) ? withoutBody(dmarc, dkim.signatures) : dmarc,
    arc: { ...arcResult(dkim, sets.length > 0 && isBodyMissing(wire), input.dns), sets },
    arcDmarcPassFor: dmarcPassOf(sets),
    leftOut: dkim.leftOut,
    headerTooLarge,
  };
}

/**
 * Why a header is too large to be verified; null when it is not. What is parsed line by line must not have a million of
 * them, nor a million blanks in a row.
 */
export function whyTooLarge({ head }: Wire): string | null {
  if (head.length > HEADER_LIMITS.bytes) return `it is larger than ${HEADER_LIMITS.bytes} bytes`;
  // Each line has a byte at least: most headers need not be counted.
  const many = head.length > HEADER_LIMITS.fields ? tooMany(head) : null;
  if (many !== null) return many;
  return hasLongBlank(head) ? `it has more than ${HEADER_LIMITS.blanks} blanks in a row` : null;
}

function tooMany(head: Uint8Array): string | null {
  let lines = 0;
  let fields = 0;
  for (let at = 0, end = 0; at < head.length && end !== -1; at = end + 1) {
    lines += 1;
    if (head[at] !== SPACE && head[at] !== TAB) fields += 1;
    if (fields > HEADER_LIMITS.fields) return `it has more than ${HEADER_LIMITS.fields} fields`;
    if (lines > HEADER_LIMITS.lines) return `it has more than ${HEADER_LIMITS.lines} lines`;
    end = head.indexOf(LF, at);
  }
  return null;
}

/**
 * Blanks and folds in a row: mailauth trims by a regular expression that takes the square of them. A run that is too
 * long covers one byte of every so many, so only there it is looked for.
 */
function hasLongBlank(head: Uint8Array): boolean {
  const limit = HEADER_LIMITS.blanks;
  for (let at = limit; at < head.length; at += limit) {
    if (!isBlank(head[at])) continue;
    let start = at;
    while (isBlank(head[start - 1])) start -= 1;
    while (isBlank(head[at])) at += 1;
    if (at - start > limit) return true;
  }
  return false;
}

function isBlank(byte: number | undefined): boolean {
  return byte === SPACE || byte === TAB || byte === CR || byte === LF;
}

/** MAIL FROM, or the HELO name beside it (RFC 7208 §2.3). */
export async function askSpf(
  { envelope, dns, asOfMs }: Pick<AuthenticateInput, 'envelope' | 'dns' | 'asOfMs'>,
  heloBeside: boolean,
): Promise<SpfCheck | null> {
  const { ip, helo, mailFrom, mta } = envelope;
  if (envelope.noQuestion !== null || ip.value === null) return null;
  if (heloBeside && (!mailFrom.value || helo.value === null)) return null;
  const { checkSpf } = await import('../spf/check.ts');
  return checkSpf({
    ip: ip.value,
    helo: helo.value,
    mailFrom: heloBeside ? '' : (mailFrom.value ?? ''),
    mta: mta.value,
    dns,
    nowMs: asOfMs,
  });
}

/** What SPF answers for; the HELO name does only where the return path is known to be empty. */
function spfIdentifier(spf: SpfCheck | null, envelope: Envelope): Identifier | null {
  if (spf === null || spf.domain === '' || isHeloAlone(envelope)) return null;
  return { domain: spf.domain, passed: spf.result === 'pass' };
}

function judge(
  dkim: DkimReport,
  dmarc: DmarcVerdict,
  raw: readonly RawField[],
  { wire, fields, asOfMs, latestMs }: AuthenticateInput,
): JudgedSignature[] {
  const places = fields.flatMap(({ name }, index) =>
    name.toLowerCase() === 'dkim-signature' ? [index] : [],
  );
  const agree = places.length === dkim.signatures.length;
  return dkim.signatures.map((signature, index) => {
    const field = agree ? (places[index] ?? null) : null;
    const aligned = dmarc.signaturesAligned[index] === true;
    const context = { fields: raw, field, aligned, orgDomain: dmarc.orgDomain, nowMs: asOfMs, latestMs };
    const diagnosis = index < MAX_DIAGNOSED ? explainFailure(signature, dkim, raw, wire) : null;
    return { ...signature, diagnosis, field, aligned, qualification: qualify(signature, context) };
  });
}

/** Signatures whose failure is looked into. */
export const MAX_DIAGNOSED = 5;

/** Which common change on the way explains that a signature fails. */
export function explainFailure(
  signature: SignatureVerdict,
  { keys }: DkimReport,
  fields: readonly RawField[],
  { body }: Wire,
): Diagnosis | null {
  const { cause, index } = signature;
  const own = fields.filter(({ name }) => name === 'dkim-signature')[index];
  if ((cause !== 'body-hash' && cause !== 'signature') || own === undefined || body === null) return null;
  return diagnose({ signature, fields, own, body, key: keys.get(index)?.publicKey ?? null });
}

/** A header block can prove a pass by SPF; that nothing passes it cannot. */
function withoutBody(dmarc: DmarcVerdict, signatures: readonly SignatureVerdict[]): DmarcVerdict {
  const open = signatures.some(
    ({ cause }, index) => cause === 'body-unknown' && dmarc.signaturesAligned[index] === true,
  );
  if (dmarc.result !== 'fail' || !open) return dmarc;
  const reason = 'Without the body it is not known whether an aligned signature verifies.';
  return { ...dmarc, result: 'not-evaluated', reason };
}

export function arcResult(
  { chain }: DkimReport,
  isOpen: boolean,
  { unanswered }: BoundedResolver,
): Pick<ArcSection, 'result' | 'reason'> {
  if (isOpen && chain.result !== 'pass')
    return { result: 'not-evaluated', reason: 'Without the body the chain cannot be verified.' };
  const late = unanswered.find(({ name }) => name.includes('._domainkey.'));
  if (chain.result === 'fail' && chain.comment === null && late !== undefined)
    return { result: 'temperror', reason: `${late.name} could not be looked up.` };
  const assumed = 'The message signature has no c=; it verifies as relaxed/relaxed.';
  return { result: chain.result, reason: chain.comment ?? (chain.assumedRelaxed ? assumed : null) };
}
