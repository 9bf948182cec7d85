import { join } from 'node:path';
import { keptLogoName } from '../registry/logos.ts';
import type { Check } from '../report.ts';
import type { Company, ViewedMark } from '../schema/message-view.ts';
import { matches, type Registry } from '../trust/registry.ts';
import { logoNote, MAX_LOGO, readLogo } from '../view/logo.ts';
import { readInput } from './input.ts';

/** Logos of companies, by {@link companyKey}. */
export type Logos = {
  readonly byCompany: ReadonlyMap<string, string>;
  /** Logos that cannot be shown. */
  readonly notes: readonly Check[];
};

/** One entry of one list. */
export function companyKey({ source, entry }: Pick<Company, 'source' | 'entry'>): string {
  return `${source}/${entry}`;
}

/** One logo that a certificate proves; no key of a company looks like it, as that has a slash. */
export function markKey({ logo }: Pick<ViewedMark, 'logo'>): string {
  return `mark:${logo}`;
}

/**
 * Read the logos of these companies, from beside the list that names them or from what `trust sync` keeps. One that is missing or that may not be
 * shown is told, and two letters stand in its place.
 *
 * @param beside  folder of the list that was given; null: lists are those that are kept
 * @param kept    folder of the logos that are kept
 */
export async function readLogos(
  companies: readonly Company[],
  registries: readonly Registry[],
  beside: string | null,
  kept: string,
): Promise<Logos> {
  const byCompany = new Map<string, string>();
  const notes: Check[] = [];
  const wanted = new Map(companies.map((each) => [companyKey(each), each]));
  for (const [key, company] of wanted) {
    const logo = logoOf(company, registries);
    if (logo === null) continue;
    const file = beside === null ? join(kept, keptLogoName(logo)) : join(beside, logo.file);
    const read = await readInput(file, MAX_LOGO + 1).then(
      (bytes) => readLogo(bytes, logo),
      () => ({ kind: 'refused', reason: `'${logo.file}' cannot be read` }) as const,
    );
    if (read.kind === 'shown') byCompany.set(key, read.dataUri);
    else notes.push(logoNote(company.name, read.reason));
  }
  return { byCompany, notes };
}

function logoOf({ source, entry, domain }: Company, registries: readonly Registry[]) {
  const registry = registries.find(({ mediator }) => mediator.id === source);
  const found = registry && matches(registry, domain).find((each) => each.entry.id === entry);
  return found?.entry.logo ?? null;
}
