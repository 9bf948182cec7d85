import { hash } from 'node:crypto';
import { sanitiseSvg } from '../svg/sanitise.ts';
import type { Certificate } from './certificate.ts';
import type { Fetcher } from './fetching.ts';
import { MAX_LOGO_BYTES } from './logotype.ts';
import { judgeMark, type Mark, type MarkRule, type MarkWish } from './mark.ts';
import { findRevocation } from './revocation.ts';

/** What marks are verified with. */
export type MarkWorld = {
  readonly fetch: Fetcher;
  /** Authorities that are believed. */
  readonly roots: readonly Certificate[];
};

/** A logo that may be shown with what its certificate says, or why not. `reason` is a sentence. */
export type Indicator =
  | {
      readonly kind: 'verified';
      readonly mark: Mark;
      /** Written anew from what was understood; see `sanitiseSvg`. */
      readonly svg: string;
      readonly sha256: string;
      /** `unknown`: nobody who can tell was reached. */
      readonly revocation: 'good' | 'unknown';
    }
  | { readonly kind: 'refused'; readonly rule: MarkRule; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string };

const MAX_PEM_BYTES = 256 * 1024;
const PEM_TYPES = 'application/pem-certificate-chain, application/x-pem-file;q=0.9, */*;q=0.1';

/**
 * Fetch certificate and logo of a BIMI record and verify them: the certificate has to hold for the domain at that time,
 * and the logo at `l=` has to be the one in it.
 */
export async function findIndicator(
  { location, authority }: { readonly location: string; readonly authority: string },
  wish: MarkWish,
  { fetch, roots }: MarkWorld,
): Promise<Indicator> {
  const pem = await fetch(authority, { accept: PEM_TYPES, maxBytes: MAX_PEM_BYTES });
  if (pem.kind === 'absent') return unknown(`There is no certificate at ${authority}.`);
  if (pem.kind === 'failed') return unknown(`The certificate could not be fetched: ${pem.reason}`);
  const verdict = judgeMark(pem.bytes, wish, roots);
  if (verdict.kind === 'refused') return verdict;
  const { mark } = verdict;
  const revocation = await findRevocation(mark.path, wish.atMs, fetch);
  if (typeof revocation !== 'string') return { kind: 'refused', rule: 'revoked', reason: revocation.reason };
  const svg = await fetch(location, { accept: 'image/svg+xml', maxBytes: MAX_LOGO_BYTES });
  if (svg.kind === 'absent') return unknown(`There is no logo at ${location}.`);
  if (svg.kind === 'failed') return unknown(`The logo could not be fetched: ${svg.reason}`);
  if (!svg.bytes.equals(mark.logo))
    return refused('The logo at the address of the record is not the one in the certificate.');
  const safe = sanitiseSvg(mark.logo);
  if (safe.kind === 'refused') return refused(`The logo ${safe.reason}.`);
  return { kind: 'verified', mark, svg: safe.svg, sha256: hash('sha256', safe.svg), revocation };
}

function refused(reason: string): Indicator {
  return { kind: 'refused', rule: 'logo', reason };
}

function unknown(reason: string): Indicator {
  return { kind: 'unknown', reason };
}
