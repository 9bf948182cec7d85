import { readTags } from '../dkim/tags.ts';

export type Policy = 'none' | 'quarantine' | 'reject';
export type AlignmentMode = 'relaxed' | 'strict';

/** A DMARC policy record (RFC 9989 §4.7). */
export type DmarcRecord = {
  readonly text: string;
  /** Null where the tag is missing or its value is none. */
  readonly p: Policy | null;
  readonly sp: Policy | null;
  readonly np: Policy | null;
  readonly adkim: AlignmentMode;
  readonly aspf: AlignmentMode;
  /** `t=y`: the owner asks for the policy one step milder. */
  readonly testing: boolean;
  /** `psd=`: a public suffix, not one, or not told. */
  readonly psd: 'y' | 'n' | 'u';
  /** URIs for aggregate and for failure reports, as written. */
  readonly rua: readonly string[];
  readonly ruf: readonly string[];
  /** `pct=` of RFC 7489; gone in RFC 9989. */
  readonly pct: number | null;
  /** What is wrong with it, in words; empty when nothing is. */
  readonly faults: readonly string[];
};

/** The version comes first and is spelled exactly so; the tag's name may be in any case. */
const VERSION = /^[vV][ \t]*=[ \t]*DMARC1[ \t]*(?:;|$)/;

/** Whether a TXT record says that it is one. */
export function isDmarcRecord(text: string): boolean {
  return VERSION.test(text.trim());
}

/**
 * Read a record that {@link isDmarcRecord}.
 *
 * @returns null when it is void, as a tag stands twice: it counts as no record (RFC 9989 §4.10)
 */
export function readDmarcRecord(text: string): DmarcRecord | null {
  const { tags, isVoid, faults: listFaults } = readTags(text);
  if (isVoid) return null;
  const faults = [...listFaults];
  const policy = (name: string): Policy | null => {
    const value = tags.get(name)?.toLowerCase();
    if (value === undefined || isPolicy(value)) return value ?? null;
    faults.push(`${name}=${value} is no policy`);
    return null;
  };
  const mode = (name: string): AlignmentMode => {
    const value = tags.get(name)?.toLowerCase() ?? 'r';
    if (value !== 'r' && value !== 's') faults.push(`${name}=${value} is neither r nor s`);
    return value === 's' ? 'strict' : 'relaxed';
  };
  const p = policy('p');
  if (!tags.has('p')) faults.push('p= is missing');
  return {
    text,
    p,
    sp: policy('sp'),
    np: policy('np'),
    adkim: mode('adkim'),
    aspf: mode('aspf'),
    testing: tags.get('t')?.toLowerCase() === 'y',
    psd: psdOf(tags.get('psd')),
    rua: urisOf(tags.get('rua')),
    ruf: urisOf(tags.get('ruf')),
    pct: pctOf(tags.get('pct')),
    faults,
  };
}

function isPolicy(text: string): text is Policy {
  return text === 'none' || text === 'quarantine' || text === 'reject';
}

function psdOf(value: string | undefined): DmarcRecord['psd'] {
  const word = value?.toLowerCase();
  return word === 'y' || word === 'n' ? word : 'u';
}

function urisOf(value: string | undefined): string[] {
  return (value ?? '')
    .split(',')
    .map((uri) => uri.trim())
    .filter((uri) => uri !== '');
}

function pctOf(value: string | undefined): number | null {
  return value !== undefined && /^\d{1,3}$/.test(value) ? Math.min(100, Number(value)) : null;
}

/** RFC 3986 characters behind a scheme; an obsolete `!10m` behind it does not count. */
const REPORTING_URI =
  /^[a-z][a-z0-9+.-]*:(?:[a-z0-9\-._~:/?#[\]@$&'()*+;=]|%[0-9a-f]{2})*(?:![0-9]+[kmgt]?)?$/i;

/** The policies that a record asks for. */
export type Policies = { readonly p: Policy; readonly sp: Policy | null; readonly np: Policy | null };

/**
 * The policies of a record (RFC 9989 §4.10.1): one that is not valid acts as `p=none` where reports are asked for.
 *
 * @returns null when the record asks for nothing that could be done
 */
export function policiesOf(record: DmarcRecord): Policies | null {
  const invalid = record.faults.some((fault) => fault.endsWith('is no policy'));
  if (record.p !== null && !invalid) return { p: record.p, sp: record.sp, np: record.np };
  return record.rua.some((uri) => REPORTING_URI.test(uri)) ? { p: 'none', sp: null, np: null } : null;
}
