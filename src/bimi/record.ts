import { readTags } from '../dkim/tags.ts';
import type { Resolver } from '../dns/types.ts';

/** A BIMI assertion record, as published (draft-brand-indicators-for-message-identification §4.3). */
export type BimiRecord = {
  readonly text: string;
  /** `l=`: where the logo is; empty for a domain that wants to show none. */
  readonly location: string;
  /** `a=`: where the Mark Certificate is; empty: the logo is the domain's own word. */
  readonly authority: string;
};

export type BimiLookup =
  | {
      readonly kind: 'found';
      readonly domain: string;
      readonly selector: string;
      readonly record: BimiRecord;
    }
  | { readonly kind: 'none' }
  /** There is one and it cannot be used; `reason` is a sentence. */
  | { readonly kind: 'invalid'; readonly domain: string; readonly selector: string; readonly reason: string }
  | { readonly kind: 'unknown'; readonly name: string };

/**
 * Look up the record of an author's domain, then that of its organization. Only the DNS is asked: logo and
 * certificate lie on the sender's servers.
 *
 * @param selector  of the BIMI-Selector field, else `default`
 * @param orgDomain  null when it is not known
 */
export async function lookUpBimi(
  domain: string,
  orgDomain: string | null,
  selector: string,
  dns: Resolver,
): Promise<BimiLookup> {
  for (const at of new Set([domain, orgDomain ?? domain])) {
    const name = `${selector}._bimi.${at}`;
    const answer = await dns.resolve(name, 'TXT');
    if (answer.kind === 'failed') return { kind: 'unknown', name };
    if (answer.kind !== 'found') continue;
    const texts = answer.records
      .map((parts) => parts.join('').trim())
      .filter((text) => /^v=BIMI1\b/i.test(text));
    const [text] = texts;
    if (text === undefined) continue;
    if (texts.length > 1)
      return {
        kind: 'invalid',
        domain: at,
        selector,
        reason: `There are ${texts.length} records at ${name}.`,
      };
    return readBimi(text, at, selector);
  }
  return { kind: 'none' };
}

function readBimi(text: string, domain: string, selector: string): BimiLookup {
  const { tags, isVoid } = readTags(text);
  const location = tags.get('l');
  const authority = tags.get('a') ?? '';
  const wrong = (reason: string): BimiLookup => ({ kind: 'invalid', domain, selector, reason });
  if (isVoid) return wrong('A tag stands twice in its record.');
  if (location === undefined) return wrong('Its record has no l=.');
  for (const url of [location, authority])
    if (url !== '' && !isHttps(url)) return wrong(`'${url}' is no address that begins with https.`);
  return { kind: 'found', domain, selector, record: { text, location, authority } };
}

function isHttps(text: string): boolean {
  return URL.canParse(text) && new URL(text).protocol === 'https:';
}

/** The selector that a BIMI-Selector field names; null where it names none that is a DNS label. */
export function bimiSelector(value: string): string | null {
  const selector = readTags(value).tags.get('s')?.toLowerCase() ?? '';
  return /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(selector) ? selector : null;
}
