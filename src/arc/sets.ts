import { parseAuthenticationResults, type RecordedResult } from '../authres/parse.ts';
import { bodyOf, type RawField } from '../dkim/fields.ts';
import { readTags, withoutWhite } from '../dkim/tags.ts';

/** One ARC set (RFC 8617 §4.2): what a server that handed the message on says it saw. */
export type ArcSet = {
  /** `i=`; 1 is the oldest. */
  readonly instance: number;
  /** `d=` of the seal, lower case; null where a seal is missing. */
  readonly sealer: string | null;
  readonly selector: string | null;
  /** `cv=`: what the sealer found of the chain before it. */
  readonly chainValidation: string | null;
  /** `t=` of the seal, milliseconds since the epoch. */
  readonly sealedAtMs: number | null;
  /** Who wrote the results down, as it calls itself. */
  readonly authservId: string | null;
  /** What it claims. */
  readonly claims: readonly RecordedResult[];
};

/** RFC 8617 §4.2.1 */
const MAX_INSTANCE = 50;

/** The ARC sets of a header, oldest first, as they claim to be; whether the chain holds is another question. */
export function readArcSets(fields: readonly RawField[]): ArcSet[] {
  const sets = new Map<number, ArcSet>();
  for (const field of fields) {
    const part = readPart(field);
    if (part === null) continue;
    const { instance } = part;
    sets.set(instance, { ...EMPTY, ...sets.get(instance), ...part });
  }
  return [...sets.values()].toSorted((a, b) => a.instance - b.instance);
}

const EMPTY = {
  sealer: null,
  selector: null,
  chainValidation: null,
  sealedAtMs: null,
  authservId: null,
  claims: [],
} as const;

type Part = Partial<ArcSet> & Pick<ArcSet, 'instance'>;

function readPart(field: RawField): Part | null {
  if (field.name === 'arc-authentication-results') {
    const { instance, authservId, results } = parseAuthenticationResults(bodyOf(field));
    return isInstance(instance) ? { instance, authservId, claims: results } : null;
  }
  if (field.name !== 'arc-seal' && field.name !== 'arc-message-signature') return null;
  const { tags } = readTags(bodyOf(field));
  const instance = numberOf(tags.get('i'));
  if (!isInstance(instance)) return null;
  if (field.name === 'arc-message-signature') return { instance };
  const seconds = numberOf(tags.get('t'));
  return {
    instance,
    sealer: wordOf(tags.get('d')),
    selector: wordOf(tags.get('s')),
    chainValidation: wordOf(tags.get('cv')),
    sealedAtMs: seconds === null ? null : seconds * 1000,
  };
}

function isInstance(value: number | null): value is number {
  return value !== null && value >= 1 && value <= MAX_INSTANCE;
}

function numberOf(value: string | undefined): number | null {
  return value !== undefined && /^\d{1,12}$/.test(value) ? Number(value) : null;
}

function wordOf(value: string | undefined): string | null {
  const word = withoutWhite(value ?? '').toLowerCase();
  return word === '' ? null : word;
}

/** The author domain for which the newest set reports `dmarc=pass`; null when it reports none. */
export function dmarcPassOf(sets: readonly ArcSet[]): string | null {
  const claim = sets.at(-1)?.claims.find(({ method, result }) => method === 'dmarc' && result === 'pass');
  return claim?.properties['header.from']?.toLowerCase().replace(/\.$/, '') ?? null;
}
