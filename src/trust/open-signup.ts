import { withParents } from './organization.ts';
import type { Overrides } from './overrides.ts';

/** Why mail from a domain says nothing about who wrote it. */
export type OpenSignupMatch = {
  /** The name on the list: the domain itself or one above it. */
  readonly domain: string;
  readonly kind: 'free-mail' | 'disposable';
  /** Where that is known from: the list that ships, or `local`. */
  readonly source: string;
};

/** A sorted list of names, one a line, behind lines that begin with `#`. */
export type NameFile = {
  readonly kind: OpenSignupMatch['kind'];
  /** What the file is called in reasons. */
  readonly source: string;
  readonly bytes: Buffer;
};

/** Who gives addresses to anybody. */
export type OpenSignup = {
  /** The list's name for a domain; null when it is on none. Removals of the administrator are not applied. */
  find(domain: string): OpenSignupMatch | null;
};

/**
 * Domains where anybody can get an address: names of the files and of the administrator, each with every
 * name below it (`mail.yahoo.com` is Yahoo's as well).
 *
 * The files are searched where they lie in memory: 130,000 names are neither split nor hashed.
 */
export function openSignup(files: readonly NameFile[], { openSignup: own }: Overrides): OpenSignup {
  const added = new Set(own.add);
  return {
    find(domain) {
      for (const name of withParents(domain)) {
        if (!name.includes('.')) return null;
        if (added.has(name)) return { domain: name, kind: 'free-mail', source: 'local' };
        const file = files.find(({ bytes }) => hasLine(bytes, name));
        if (file) return { domain: name, kind: file.kind, source: file.source };
      }
      return null;
    },
  };
}

const LF = 0x0a;

/** Binary search for a line in bytes whose lines are sorted by code unit; `#` sorts before every name. */
function hasLine(bytes: Buffer, line: string): boolean {
  const wanted = Buffer.from(line, 'latin1');
  let low = 0;
  let high = bytes.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const start = middle === 0 ? 0 : bytes.lastIndexOf(LF, middle - 1) + 1;
    const end = endOfLine(bytes, start);
    const order = bytes.compare(wanted, 0, wanted.length, start, end);
    if (order === 0) return true;
    if (order < 0) low = end + 1;
    else high = start;
  }
  return false;
}

function endOfLine(bytes: Buffer, start: number): number {
  const end = bytes.indexOf(LF, start);
  return end === -1 ? bytes.length : end;
}
