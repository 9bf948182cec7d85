import { join } from 'node:path';
import type { Check } from '../report.ts';
import type { Company } from '../schema/message-view.ts';
import type { Registry } from '../trust/registry.ts';
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

/**
 * Read the logos of these companies from beside the list that names them. One that is missing or that may not be
 * shown is told, and two letters stand in its place.
 *
 * @param folder  of the list; null: there are no files beside it
 */
export async function readLogos(
  companies: readonly Company[],
  registries: readonly Registry[],
  folder: string | null,
): Promise<Logos> {
  const byCompany = new Map<string, string>();
  const notes: Check[] = [];
  const wanted = new Map(companies.map((each) => [companyKey(each), each]));
  for (const [key, company] of wanted) {
    const logo = logoOf(company, registries);
    if (logo === null || folder === null) continue;
    const read = await readInput(join(folder, logo.file), MAX_LOGO + 1).then(
      (bytes) => readLogo(bytes, logo),
      () => ({ kind: 'refused', reason: `'${logo.file}' cannot be read` }) as const,
    );
    if (read.kind === 'shown') byCompany.set(key, read.dataUri);
    else notes.push(logoNote(company.name, read.reason));
  }
  return { byCompany, notes };
}

function logoOf({ source, entry }: Company, registries: readonly Registry[]) {
  const registry = registries.find(({ mediator }) => mediator.id === source);
  return registry?.entries.find(({ id }) => id === entry)?.logo ?? null;
}
