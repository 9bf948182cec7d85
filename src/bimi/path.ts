import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import type { Certificate, NameConstraints } from './certificate.ts';
import { forbiddenName } from './name-constraints.ts';
import { PolicyState } from './policies.ts';

/** Why a path does not hold. The words are a contract. */
export type PathRule =
  | 'no-root'
  | 'signature'
  | 'algorithm'
  | 'key'
  | 'expired'
  | 'not-yet-valid'
  | 'name-chain'
  | 'not-an-authority'
  | 'path-length'
  | 'key-usage'
  | 'critical-extension'
  | 'name-constraints'
  | 'policy';

/** A path from a certificate to a root, or why there is none; `reason` is a sentence. */
export type PathVerdict =
  | { readonly kind: 'valid'; readonly path: readonly Certificate[] }
  | { readonly kind: 'invalid'; readonly rule: PathRule; readonly reason: string };

/** Certificates of a path, leaf and root included. */
const MAX_PATH = 8;
/** Signatures that are verified for one certificate, whatever is sent along with it. */
const MAX_STEPS = 60;
const MIN_RSA_BITS = 2048;
const CURVES = new Set(['prime256v1', 'secp384r1', 'secp521r1']);

/** Algorithms by their object identifiers: the kind of key, and the hash. */
const ALGORITHMS: ReadonlyMap<string, readonly [type: string, digest: string | null]> = new Map([
  ['1.2.840.113549.1.1.11', ['rsa', 'sha256']],
  ['1.2.840.113549.1.1.12', ['rsa', 'sha384']],
  ['1.2.840.113549.1.1.13', ['rsa', 'sha512']],
  ['1.2.840.10045.4.3.2', ['ec', 'sha256']],
  ['1.2.840.10045.4.3.3', ['ec', 'sha384']],
  ['1.2.840.10045.4.3.4', ['ec', 'sha512']],
  ['1.3.101.112', ['ed25519', null]],
]);

/**
 * Find a path from a certificate to a root that is known, and validate it (RFC 5280 §6.1). Roots are certificates that a
 * person chose; their own dates count, too.
 *
 * @param others  certificates that came along, in any order; roots among them count for nothing
 * @param atMs    the time at which every certificate has to be valid
 */
export function validatePath(
  leaf: Certificate,
  others: readonly Certificate[],
  roots: readonly Certificate[],
  atMs: number,
): PathVerdict {
  const search = new Search(others, roots, atMs);
  search.from([leaf]);
  return search.verdict;
}

class Search {
  private readonly others: readonly Certificate[];
  private readonly roots: readonly Certificate[];
  private readonly atMs: number;
  private steps = 0;
  verdict: PathVerdict = {
    kind: 'invalid',
    rule: 'no-root',
    reason: 'It does not lead to a root that is known here.',
  };

  constructor(others: readonly Certificate[], roots: readonly Certificate[], atMs: number) {
    this.others = others;
    this.roots = roots;
    this.atMs = atMs;
  }

  /** Go on from the leaf upwards; the first path that holds ends it. */
  from(path: readonly Certificate[]): void {
    const top = path.at(-1) as Certificate;
    for (const root of this.roots.filter(({ subject }) => subject.key === top.issuer.key)) {
      if (this.isDone()) return;
      const verdict = validate([root, ...path.toReversed()], this.atMs);
      if (this.verdict.kind === 'invalid') this.verdict = verdict;
    }
    if (path.length >= MAX_PATH - 1) return;
    for (const issuer of this.others) {
      if (this.isDone()) return;
      if (issuer.subject.key === top.issuer.key && !path.some(({ sha256 }) => sha256 === issuer.sha256))
        this.from([...path, issuer]);
    }
  }

  private isDone(): boolean {
    this.steps += 1;
    return this.verdict.kind === 'valid' || this.steps > MAX_STEPS;
  }
}

/** RFC 5280 §6.1 for one path, the root first. */
function validate(path: readonly Certificate[], atMs: number): PathVerdict {
  const [root, ...below] = path as [Certificate, ...Certificate[]];
  const policies = new PolicyState(below.length);
  const constraints: NameConstraints[] = [];
  const dates = datesFault(root, atMs);
  if (dates !== null) return dates;
  // The root is an authority by the word of who chose it; what it says of itself binds it all the same.
  const rootFault = authorityFault(root);
  if (rootFault !== null) return rootFault;
  let pathLength = root.basicConstraints?.pathLength ?? Number.POSITIVE_INFINITY;
  if (root.constraints !== null) constraints.push(root.constraints);
  let issuer = root;
  for (const [index, certificate] of below.entries()) {
    const isLast = index === below.length - 1;
    const selfIssued = certificate.subject.key === certificate.issuer.key;
    const fault = stepFault(certificate, issuer, atMs);
    if (fault !== null) return fault;
    // §6.1.3 (b): names of an authority that renews itself are not looked at.
    const name = selfIssued && !isLast ? null : forbiddenName(certificate, constraints);
    if (name !== null) return no('name-constraints', `Its issuer may not issue for ${name}.`);
    if (!policies.enter(certificate, { selfIssued, isLast }))
      return no('policy', 'A policy is demanded along its path, and none is left.');
    if (isLast) break;
    const authority = authorityFault(certificate);
    if (authority !== null) return authority;
    // §6.1.4 (l), (m)
    if (!selfIssued) pathLength -= 1;
    if (pathLength < 0)
      return no('path-length', 'There are more authorities on its path than one of them allows.');
    pathLength = Math.min(pathLength, certificate.basicConstraints?.pathLength ?? pathLength);
    if (certificate.constraints !== null) constraints.push(certificate.constraints);
    issuer = certificate;
  }
  return { kind: 'valid', path: path.toReversed() };
}

/** §6.1.3 (a), and §6.1.5 (f) */
function stepFault(certificate: Certificate, issuer: Certificate, atMs: number): PathVerdict | null {
  if (certificate.issuer.key !== issuer.subject.key)
    return no('name-chain', `${titleOf(certificate)} was not issued by ${titleOf(issuer)}.`);
  const dates = datesFault(certificate, atMs);
  if (dates !== null) return dates;
  const [unknown] = certificate.unknownCritical;
  if (unknown !== undefined)
    return no('critical-extension', `${titleOf(certificate)} has a critical extension ${unknown}.`);
  return signatureFault(certificate, issuer);
}

function datesFault(certificate: Certificate, atMs: number): PathVerdict | null {
  const { notBeforeMs, notAfterMs } = certificate;
  if (atMs > notAfterMs) return no('expired', `${titleOf(certificate)} expired on ${day(notAfterMs)}.`);
  if (atMs < notBeforeMs)
    return no('not-yet-valid', `${titleOf(certificate)} is valid from ${day(notBeforeMs)} on.`);
  return null;
}

/** §6.1.4 (k), (n) */
function authorityFault(certificate: Certificate): PathVerdict | null {
  const { basicConstraints, keyUsage, version } = certificate;
  if (version !== 3 || basicConstraints?.ca !== true)
    return no('not-an-authority', `${titleOf(certificate)} is no authority.`);
  if (keyUsage?.certSign === false)
    return no('key-usage', `${titleOf(certificate)} may not sign certificates.`);
  return null;
}

function signatureFault(certificate: Certificate, issuer: Certificate): PathVerdict | null {
  const { algorithm } = certificate;
  if (!ALGORITHMS.has(algorithm))
    return no('algorithm', `${titleOf(certificate)} is signed with ${algorithm}, which is not accepted.`);
  if (publicKeyOf(issuer) === null || publicKeyOf(certificate) === null)
    return no(
      'key',
      `A key on the path of ${titleOf(certificate)} is too weak, or of a kind that is not accepted.`,
    );
  return isSignedBy(certificate, issuer)
    ? null
    : no('signature', `The signature of ${titleOf(issuer)} on ${titleOf(certificate)} does not verify.`);
}

/** Whether a certificate or a list was signed by an authority, in a way that is accepted. */
export function isSignedBy(
  { algorithm, signed, signature }: Pick<Certificate, 'algorithm' | 'signed' | 'signature'>,
  issuer: Certificate,
): boolean {
  const [type, digest] = ALGORITHMS.get(algorithm) ?? [];
  const key = publicKeyOf(issuer);
  if (key === null || digest === undefined || key.asymmetricKeyType !== type) return false;
  return verify(digest, signed, key, signature);
}

/** A key that may stand on a path; null for one that may not. */
function publicKeyOf({ publicKey }: Certificate): KeyObject | null {
  try {
    const key = createPublicKey({ key: publicKey, format: 'der', type: 'spki' });
    const { modulusLength = 0, namedCurve = '' } = key.asymmetricKeyDetails ?? {};
    switch (key.asymmetricKeyType) {
      case 'rsa':
        return modulusLength >= MIN_RSA_BITS ? key : null;
      case 'ec':
        return CURVES.has(namedCurve) ? key : null;
      case 'ed25519':
        return key;
      default:
        return null;
    }
  } catch {
    return null;
  }
}

const COMMON_NAME = '2.5.4.3';
const ORGANIZATION = '2.5.4.10';

/** What a certificate is called in a sentence; words of others, which whoever writes them out neutralises. */
export function titleOf({ subject: { attributes } }: Certificate): string {
  const name = attributes.get(COMMON_NAME) ?? attributes.get(ORGANIZATION) ?? 'without a name';
  return `'${name.slice(0, 80)}'`;
}

function no(rule: PathRule, reason: string): PathVerdict {
  return { kind: 'invalid', rule, reason };
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
