import type { Entry } from './entry.ts';

/** A login as Firefox keeps it. */
export type Login = {
  readonly origin: string;
  readonly username: string;
  readonly password: string;
};

/** Why an entry is not imported. */
export type Reason =
  | 'bookmark'
  | 'note'
  | 'no-site'
  | 'not-web'
  | 'no-password'
  | 'two-passwords'
  | 'in-firefox';

/** What happens to an entry, and what is to be said about it. */
export type Decision = {
  readonly entry: Entry;
  readonly origin: string | null;
  readonly outcome: 'import' | 'merge' | 'set-aside';
  readonly reason: Reason | null;
  readonly remarks: readonly ('scheme-added' | 'match-url')[];
};

type Site =
  | { readonly origin: string; readonly isAdded: boolean }
  | { readonly refused: 'no-site' | 'not-web' };

/** Has a scheme, and not just a port behind a host. */
const SCHEME = /^[a-z][a-z0-9+.-]*:(?!\d+(?:[/?#]|$))/i;

/** The site of an address, as Firefox's own importer has it; it takes none without a scheme, so one is added. */
export function siteOf(address: string): Site {
  const text = address.trim();
  if (text === '' || text.includes('*') || text.startsWith('\\\\'))
    return { refused: text === '' ? 'no-site' : 'not-web' };
  const isAdded = !SCHEME.test(text);
  const url = URL.parse(isAdded ? `https://${text.replace(/^\/+/, '')}` : text);
  if (!url) return { refused: 'no-site' };
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return { refused: 'not-web' };
  return isAdded && !/[.:]|^localhost$/.test(url.hostname)
    ? { refused: 'no-site' }
    : { origin: url.origin, isAdded };
}

/** What an entry is, by what it lacks. */
function kindOf({
  url,
  matchUrl,
  username,
  password,
  note,
  fields,
  alternates,
  oneTimeSecrets,
}: Entry): Reason | 'login' {
  if (password !== '') return 'login';
  const hasSite = url !== '' || matchUrl !== '';
  const hasMore = username !== '' || fields.length + alternates.length + oneTimeSecrets.length > 0;
  if (hasMore) return 'no-password';
  if (hasSite) return note === '' ? 'bookmark' : 'no-password';
  return 'note';
}

function firstDecision(entry: Entry): Decision {
  const aside = (reason: Reason): Decision => ({
    entry,
    origin: null,
    outcome: 'set-aside',
    reason,
    remarks: [],
  });
  const kind = kindOf(entry);
  if (kind !== 'login') return aside(kind);
  const [url, match] = [siteOf(entry.url), siteOf(entry.matchUrl)];
  const site = 'origin' in match ? match : url;
  if ('refused' in site) return aside(site.refused);
  const differs = 'origin' in url && 'origin' in match && url.origin !== match.origin;
  return {
    entry,
    origin: site.origin,
    outcome: 'import',
    reason: null,
    remarks: [
      ...(site.isAdded ? (['scheme-added'] as const) : []),
      ...(differs ? (['match-url'] as const) : []),
    ],
  };
}

const isExact = ({ entry, origin }: Decision) => origin === entry.matchUrl.trim().replace(/\/$/, '');

/** Of several entries for one site and user: the one made for that very site, else the last. */
function settle(group: readonly Decision[]): readonly Decision[] {
  const winner = group.findLast(isExact) ?? group.at(-1);
  return group.map((decision) => {
    if (decision === winner) return decision;
    const isSame = decision.entry.password === winner?.entry.password;
    return isSame
      ? { ...decision, outcome: 'merge' as const }
      : { ...decision, outcome: 'set-aside' as const, reason: 'two-passwords' as const };
  });
}

/** Decide about every entry of an export: as many decisions as entries, in their order. */
export function planImport(entries: readonly Entry[]): readonly Decision[] {
  const decisions = entries.map(firstDecision);
  const groups = Map.groupBy(
    decisions.filter(({ outcome }) => outcome === 'import'),
    ({ origin, entry }) => JSON.stringify([origin, entry.username]),
  );
  const settled = [...groups.values()].flatMap(settle);
  const others = decisions.filter(({ outcome }) => outcome !== 'import');
  return [...settled, ...others].toSorted((a, b) => a.entry.number - b.entry.number);
}

/** The logins to import. */
export function loginsOf(decisions: readonly Decision[]): readonly Login[] {
  return decisions
    .filter(({ outcome }) => outcome === 'import')
    .map(({ entry, origin }) => ({
      origin: origin ?? '',
      username: entry.username,
      password: entry.password,
    }));
}

const quoted = (value: string) => `"${value.replaceAll('"', '""')}"`;

/** A file for Firefox's importer: every field quoted, and nothing in front of what a table would take for a formula. */
export function importFile(logins: readonly Login[]): string {
  const rows = logins.map(({ origin, username, password }) =>
    [origin, username, password].map(quoted).join(','),
  );
  return `${['"url","username","password"', ...rows].join('\r\n')}\r\n`;
}

/** What Firefox has no place for: whole entries that are set aside, and the rest of those that are not. */
export function leftOver(decisions: readonly Decision[]): readonly object[] {
  return decisions.map(({ entry, outcome, reason }): object => {
    if (outcome === 'set-aside') return { outcome, reason, ...entry };
    const { username: _, password: __, ...rest } = entry;
    return { outcome, ...rest };
  });
}

/** How much of what Firefox has no place for there is. */
export function countLeftOver(decisions: readonly Decision[]) {
  const count = (of: (entry: Entry) => number) => decisions.reduce((sum, { entry }) => sum + of(entry), 0);
  return {
    notes: count(({ note }) => (note === '' ? 0 : 1)),
    oneTimeSecrets: count(({ oneTimeSecrets }) => oneTimeSecrets.length),
    bookmarks: decisions.filter(({ reason }) => reason === 'bookmark').length,
    alternates: count(({ alternates }) => alternates.length),
    fields: count(({ fields }) => fields.length),
  };
}
