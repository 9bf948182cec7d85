import { findName, type NameFile } from './name-file.ts';
import { withParents } from './organization.ts';
import type { Overrides } from './overrides.ts';

/** Why mail from a domain says nothing about who wrote it. */
export type OpenSignupMatch = {
  /** The name on the list: the domain itself or one above it. */
  readonly domain: string;
  readonly kind: 'free-mail' | 'disposable';
  /** Where that is known from: a list that ships, a mediator, or `local`. */
  readonly source: string;
  /** The day that it was taken up, `YYYY-MM-DD`; null for a local decision. */
  readonly date: string | null;
};

/** A file of names, and who says so. */
export type PublishedNames = {
  /** Id of the mediator that signed for it; null for what ships. */
  readonly mediator: string | null;
  readonly file: NameFile;
};

/** Who gives addresses to anybody. */
export type OpenSignup = {
  /** The list's name for a domain; null when it is on none. Removals of the administrator are not applied. */
  find(domain: string): OpenSignupMatch | null;
};

/**
 * Domains where anybody can get an address: names of the files and of the administrator, each with every
 * name below it (`mail.yahoo.com` is Yahoo's as well). A mediator adds names and takes none away: nobody who vouches
 * for a free-mail provider by mistake can make it trusted.
 */
export function openSignup(
  files: readonly PublishedNames[],
  { openSignup: own }: Pick<Overrides, 'openSignup'>,
): OpenSignup {
  const added = new Set(own.add);
  return {
    find(domain) {
      for (const name of withParents(domain)) {
        if (!name.includes('.')) return null;
        if (added.has(name)) return { domain: name, kind: 'free-mail', source: 'local', date: null };
        for (const { mediator, file } of files) {
          const origin = findName(file, name);
          if (origin === null) continue;
          const { kind, source, date } = origin;
          return { domain: name, kind, source: mediator ?? source, date };
        }
      }
      return null;
    },
  };
}
