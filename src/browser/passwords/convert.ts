import type { Check } from '../../report.ts';
import type { BrowserPasswordsResult } from '../../schema/browser.ts';
import { readCsvExport } from './csv.ts';
import type { Export } from './entry.ts';
import { readHtmlExport } from './html.ts';
import { countLeftOver, type Decision } from './plan.ts';
import { decodeText } from './text.ts';

/** Largest export that is taken, in bytes. */
export const MAX_EXPORT_BYTES = 64_000_000;

/**
 * The entries of an export, a table or a printed list by how it begins.
 *
 * @throws {AppError} E_EXPORT, exit 65
 */
export function readExport(bytes: Uint8Array): Export {
  const { text, encoding } = decodeText(bytes);
  const isHtml = /^\s*<(?:!doctype|html|head|body|table|meta|\?xml|!--)/i.test(text);
  return isHtml
    ? { format: 'html', encoding, entries: readHtmlExport(text) }
    : { format: 'csv', encoding, entries: readCsvExport(text) };
}

const some = (count: number, one: string, many: string) => (count === 1 ? `one ${one}` : `${count} ${many}`);

function finding(id: string, count: number, message: string, status: Check['status'] = 'ok'): Check[] {
  if (count === 0) return [];
  return [{ id, status, ...(status === 'ok' && { info: true }), message }];
}

function checksOf(decisions: readonly Decision[], { encoding }: Export): readonly Check[] {
  const remarked = (remark: string) =>
    decisions.filter(({ remarks }) => (remarks as string[]).includes(remark)).length;
  const because = (reason: string) => decisions.filter((each) => each.reason === reason).length;
  const merged = decisions.filter(({ outcome }) => outcome === 'merge').length;
  const two = because('two-passwords');
  const known = because('in-firefox');
  const odd = encoding === 'utf-8' ? 0 : 1;
  const added = remarked('scheme-added');
  const match = remarked('match-url');
  return [
    ...finding(
      'browser.passwords.encoding',
      odd,
      `The export is ${encoding.toUpperCase()}; what is written is UTF-8.`,
    ),
    ...finding(
      'browser.passwords.merged',
      merged,
      `${some(merged, 'entry says', 'entries say')} what another or Firefox has already.`,
    ),
    ...finding(
      'browser.passwords.scheme',
      added,
      `${some(added, 'address has', 'addresses have')} no scheme: https:// is added.`,
    ),
    ...finding(
      'browser.passwords.match-url',
      match,
      `${some(match, 'entry fills', 'entries fill')} in on another site than it leads to: the former counts.`,
    ),
    ...finding(
      'browser.passwords.two-passwords',
      two,
      `${some(two, 'entry has', 'entries have')} another password for a site and user that has one: set aside.`,
      'warn',
    ),
    ...finding(
      'browser.passwords.in-firefox',
      known,
      `${some(known, 'entry has', 'entries have')} another password than Firefox: Firefox keeps its own, this one is set aside.`,
      'warn',
    ),
  ];
}

/** Where the import went. */
export type Destination = {
  readonly mode: BrowserPasswordsResult['mode'];
  readonly output: string | null;
  readonly profile: string | null;
  readonly leftOverFile: string | null;
};

/** What becomes of each entry: names, sites and users, and no password. */
export function reportImport(
  target: string,
  read: Export,
  decisions: readonly Decision[],
  destination: Destination,
): BrowserPasswordsResult {
  const of = (outcome: Decision['outcome']) => decisions.filter((each) => each.outcome === outcome).length;
  const [imported, merged, setAside] = [of('import'), of('merge'), of('set-aside')];
  const { mode, output, profile, leftOverFile } = destination;
  const checks = checksOf(decisions, read);
  const would = mode === 'preview' ? ' (nothing is written yet)' : '';
  return {
    target,
    status: checks.some(({ status }) => status === 'warn') ? 'warn' : 'ok',
    summary: `${read.entries.length} read = ${imported} imported + ${merged} merged + ${setAside} set aside${would}.`,
    checks,
    mode,
    format: read.format,
    encoding: read.encoding,
    read: read.entries.length,
    imported,
    merged,
    setAside,
    leftOver: { ...countLeftOver(decisions), file: leftOverFile },
    output,
    profile,
    entries: decisions.map(({ entry, origin, outcome, reason }) => ({
      number: entry.number,
      name: entry.name,
      site: origin,
      username: entry.username,
      outcome,
      reason,
    })),
  };
}
