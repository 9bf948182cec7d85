import { type Certificate, readCertificates } from './certificate.ts';
import { DerFault } from './der.ts';
import { logoIn } from './logotype.ts';
import { type PathRule, titleOf, validatePath } from './path.ts';

/** Why a Mark Certificate is refused. The words are a contract. */
export type MarkRule = PathRule | 'form' | 'purpose' | 'unrelated' | 'logo' | 'revoked';

/** What a Mark Certificate says, once it holds. Words of its subject are untrusted text. */
export type Mark = {
  /** A registered trademark or that of a government (VMC), or a mark in common use (CMC). */
  readonly kind: 'vmc' | 'cmc';
  /** As the certificate has it; null where it does not say. */
  readonly markType: string | null;
  readonly organization: string | null;
  readonly country: string | null;
  /** Organization of the authority at the root. */
  readonly authority: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly sha256: string;
  /** Names that it is for. */
  readonly names: readonly string[];
  /** Timestamps of certificate logs in it; they are counted, not verified. */
  readonly timestamps: number;
  /** The logo, unpacked and not looked at: whoever shows it makes it harmless. */
  readonly logo: Buffer;
  /** Leaf first, root last. */
  readonly path: readonly Certificate[];
};

export type MarkVerdict =
  | { readonly kind: 'verified'; readonly mark: Mark }
  /** `reason` is a sentence. */
  | { readonly kind: 'refused'; readonly rule: MarkRule; readonly reason: string };

/** Whom a mark is wanted for. */
export type MarkWish = {
  /** Domain of the author, and of its organization; A-labels. */
  readonly domains: readonly string[];
  readonly selector: string;
  readonly atMs: number;
};

/** id-kp-BrandIndicatorforMessageIdentification */
const MARK_PURPOSE = '1.3.6.1.5.5.7.3.31';
const MARK_TYPE = '1.3.6.1.4.1.53087.1.13';
const COUNTRY = '2.5.4.6';
const ORGANIZATION = '2.5.4.10';
/** Mark types of a VMC; certificates from before there were types are VMCs. */
const REGISTERED = new Set(['registered mark', 'government mark', '']);

/**
 * Judge a Mark Certificate (draft-fetch-validation-vmc-wchuang, with RFC 5280 §6.1 for its path): the first certificate of
 * the file, its purpose, a path to a root that is known, that it is for the domain, and the logo in it.
 *
 * @param roots  authorities that a person chose
 */
export function judgeMark(pem: Uint8Array, wish: MarkWish, roots: readonly Certificate[]): MarkVerdict {
  try {
    const [leaf, ...others] = readCertificates(Buffer.from(pem).toString('latin1'));
    if (leaf === undefined) return refused('form', 'There is no certificate.');
    return judge(leaf, others, wish, roots);
  } catch (error) {
    if (error instanceof DerFault) return refused('form', `A certificate ${error.message}.`);
    throw error;
  }
}

function judge(
  leaf: Certificate,
  others: readonly Certificate[],
  { domains, selector, atMs }: MarkWish,
  roots: readonly Certificate[],
): MarkVerdict {
  const verdict = validatePath(leaf, others, roots, atMs);
  if (verdict.kind === 'invalid') return refused(verdict.rule, verdict.reason);
  const purpose = purposeFault(verdict.path);
  if (purpose !== null) return refused('purpose', purpose);
  const names = leaf.names.flatMap((name) => (name.kind === 'dns' ? [name.value] : []));
  if (!names.some((name) => isFor(name, domains, selector)))
    return refused(
      'unrelated',
      `${titleOf(leaf)} is for ${names.slice(0, 5).join(', ') || 'no domain'}, not for ${domains[0]}.`,
    );
  const logo = logoOf(leaf);
  if (typeof logo === 'string') return refused('logo', logo);
  const { attributes } = leaf.subject;
  const markType = attributes.get(MARK_TYPE) ?? null;
  const root = verdict.path.at(-1) ?? leaf;
  return {
    kind: 'verified',
    mark: {
      kind: REGISTERED.has((markType ?? '').toLowerCase().trim()) ? 'vmc' : 'cmc',
      markType,
      organization: attributes.get(ORGANIZATION) ?? null,
      country: attributes.get(COUNTRY) ?? null,
      authority: root.subject.attributes.get(ORGANIZATION) ?? titleOf(root),
      notBeforeMs: leaf.notBeforeMs,
      notAfterMs: leaf.notAfterMs,
      sha256: leaf.sha256,
      names,
      timestamps: leaf.timestamps,
      logo,
      path: verdict.path,
    },
  };
}

/** The leaf has to be for marks; an authority that says what for, too, and the leaf is none. */
function purposeFault(path: readonly Certificate[]): string | null {
  const [leaf, ...authorities] = path as [Certificate, ...Certificate[]];
  if (leaf.extendedKeyUsage?.includes(MARK_PURPOSE) !== true)
    return `${titleOf(leaf)} is not for marks (the purpose ${MARK_PURPOSE} is missing).`;
  if (leaf.basicConstraints?.ca === true) return `${titleOf(leaf)} is an authority, not for a mark.`;
  const other = authorities.find(
    ({ extendedKeyUsage }) => extendedKeyUsage !== null && !extendedKeyUsage.includes(MARK_PURPOSE),
  );
  return other === undefined ? null : `${titleOf(other)} may not issue for marks.`;
}

/** The domain of the author or its organization, or the very place of the record. No wildcards. */
function isFor(name: string, domains: readonly string[], selector: string): boolean {
  return domains.some((domain) => name === domain || name === `${selector}._bimi.${domain}`);
}

function logoOf({ logotype }: Certificate): Buffer | string {
  if (logotype === null) return 'The certificate has no logo in it.';
  try {
    return logoIn(logotype);
  } catch (error) {
    if (error instanceof DerFault) return `The certificate ${error.message}.`;
    throw error;
  }
}

function refused(rule: MarkRule, reason: string): MarkVerdict {
  return { kind: 'refused', rule, reason };
}
