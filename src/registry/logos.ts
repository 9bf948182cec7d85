import type { Check } from '../report.ts';
import type { Logo, Registry } from '../trust/registry.ts';
import { sha256 } from './keys.ts';
import { RuleFault } from './rules.ts';
import type { Source } from './update.ts';

/** Logos that are kept, under their digests. */
export type LogoShelf = {
  has(name: string): boolean;
  keep(name: string, bytes: Uint8Array): void;
  /** Remove all others, and what a run that was killed has left. */
  retain(names: ReadonlySet<string>): void;
};

/** Largest logo, in bytes (RG-8). */
export const MAX_LOGO_BYTES = 32 * 1024;
/** Logos fetched in one run; the next run goes on. */
const MAX_FETCHED = 2000;
/** A source that fails so often is not asked further. */
const MAX_FAILURES = 5;

/** What a logo is called where it is kept. */
export function keptLogoName({ mediaType, sha256: digest }: Pick<Logo, 'mediaType' | 'sha256'>): string {
  return `${digest}.${mediaType === 'image/png' ? 'png' : 'svg'}`;
}

/**
 * Fetch the logos that a list names and that are not kept. Each is held to its digest; one that cannot be had takes
 * nothing from the list, for two letters stand in its place.
 *
 * @returns a note when some are missing
 */
export async function fetchLogos(
  { mediator, entries }: Pick<Registry, 'mediator' | 'entries'>,
  source: Source,
  shelf: LogoShelf,
): Promise<readonly Check[]> {
  const named = new Map(entries.flatMap(({ logo }) => (logo === null ? [] : [[keptLogoName(logo), logo]])));
  const wanted = [...named].filter(([name]) => !shelf.has(name));
  const failures: string[] = [];
  let fetched = 0;
  for (const [name, logo] of wanted.slice(0, MAX_FETCHED)) {
    if (failures.length >= MAX_FAILURES) break;
    const got = await fetchLogo(logo, source);
    if (typeof got === 'string') failures.push(got);
    else {
      shelf.keep(name, got);
      fetched += 1;
    }
  }
  const missing = wanted.length - fetched;
  if (missing === 0) return [];
  const message = `${missing} ${missing === 1 ? 'logo' : 'logos'} of ${mediator.name} could not be had; two letters stand in place of each.`;
  const [evidence] = failures;
  return [{ id: 'registry.logo', status: 'ok', info: true, message, ...(evidence && { evidence }) }];
}

/** The bytes, or what is wrong with them. */
async function fetchLogo({ file, sha256: digest }: Logo, source: Source): Promise<Uint8Array | string> {
  try {
    const bytes = await source.read(`lists/${file}`, MAX_LOGO_BYTES);
    if (bytes === null) return `lists/${file} is not there`;
    return sha256(bytes) === digest ? bytes : `lists/${file} is not the one that the list names`;
  } catch (error) {
    if (error instanceof RuleFault) return error.message;
    throw error;
  }
}

/**
 * Remove kept logos that no list names any more. While a list cannot be read nothing is known to be left over.
 *
 * @param lists  every list that is followed; null for one that has to be fetched again
 */
export function sweepLogos(lists: readonly (Pick<Registry, 'entries'> | null)[], shelf: LogoShelf): void {
  const named = new Set<string>();
  for (const list of lists) {
    if (list === null) return;
    for (const { logo } of list.entries) if (logo !== null) named.add(keptLogoName(logo));
  }
  shelf.retain(named);
}
