import type {
  BrowserDiagnoseResult,
  BrowserDisableResult,
  BrowserPasswordsResult,
  BrowserUndoResult,
  Measurement,
} from '../../schema/browser.ts';
import { dim, fittedTable, type Line, line, mark, shorten, strong, table, wrap } from '../text.ts';
import { renderChecks } from './findings.ts';

const running = (count: number) => (count === 1 ? '1 extension runs' : `${count} extensions run`);

/** Profiles, a line each, and what is to be said about them. */
export function renderDiagnosis(
  { status, summary, profiles, checks, measurement }: BrowserDiagnoseResult,
  columns: number,
): Line[] {
  const rows = profiles.map(({ name, isDefault, use, roboform, extensions, folder }) => [
    strong(name),
    isDefault ? 'default' : '',
    `RoboForm ${roboform}`,
    running(extensions.filter(({ active }) => active).length),
    use === 'in-use' ? 'in use' : use === 'free' ? 'not in use' : 'in use or not: unknown',
    dim(folder),
  ]);
  return [
    ...wrap(line`${mark(status)}  ${summary}`, columns, 4),
    ...fittedTable(rows, columns, 2),
    ...(measurement === null ? [] : renderMeasurement(measurement)),
    ...checks.filter(({ info }) => info).flatMap(({ message }) => wrap(line`  ${dim(message)}`, columns, 2)),
    ...renderChecks({ summary, checks }, columns),
  ];
}

/** Longest stalls and processor time by size of the page, and what each extension costs. */
function renderMeasurement({ runs, sizes, growthMsPerRow, each }: Measurement): Line[] {
  const rows = sizes.map(({ rows: size, with: withIt, without }) => [
    `${size} rows`,
    strong(`${withIt.stallMs} ms`),
    `${without.stallMs} ms`,
    dim(`processor ${withIt.cpuMs} ms`),
    dim(`${without.cpuMs} ms`),
  ]);
  const perRow = [dim('per row'), `${growthMsPerRow.with} ms`, `${growthMsPerRow.without} ms`];
  return [
    [],
    line`  longest stall, with RoboForm and without ${dim(`(medians of ${runs})`)}`,
    ...table([...rows, perRow], 4),
    ...(each === null
      ? []
      : [
          line`  saved at the largest size by leaving out`,
          ...table(
            each.map(({ name, id, savedMs }) => [`${savedMs} ms`, strong(name), dim(id)]),
            4,
          ),
        ]),
  ];
}

/** What was switched off, and the line that undoes it. */
export function renderDisabled(
  { status, summary, target, addons, undo }: BrowserDisableResult,
  columns: number,
): Line[] {
  return [
    ...wrap(line`${mark(status)}  ${summary}`, columns, 4),
    ...table(
      addons.map(({ id, name, version }) => [strong(name), version, dim(id)]),
      2,
    ),
    line`  ${dim(target ?? '')}`,
    ...(undo === null ? [] : [line`  undo: ${strong(undo)}`]),
  ];
}

/** What came back. */
export function renderUndone(
  { status, summary, target, addons }: BrowserUndoResult,
  columns: number,
): Line[] {
  return [
    ...wrap(line`${mark(status)}  ${summary}`, columns, 4),
    ...addons.map((id) => line`  ${strong(id)}`),
    line`  ${dim(target ?? '')}`,
  ];
}

const REASONS: Readonly<Record<NonNullable<BrowserPasswordsResult['entries'][number]['reason']>, string>> = {
  bookmark: 'a bookmark',
  note: 'a note',
  'no-site': 'no site',
  'not-web': 'no website',
  'no-password': 'no password',
  'two-passwords': 'another password is taken',
  'in-firefox': 'Firefox has another password',
};

/** Most entries that are shown one by one. */
const MAX_SHOWN = 40;

const OUTCOMES = { import: 'imported', merge: 'merged', 'set-aside': 'set aside' } as const;

/** What becomes of each entry, those that are not simply imported first. */
export function renderPasswords(
  { status, summary, checks, entries, leftOver, output, profile }: BrowserPasswordsResult,
  columns: number,
): Line[] {
  const order = ['set-aside', 'merge', 'import'];
  const sorted = entries.toSorted((a, b) => order.indexOf(a.outcome) - order.indexOf(b.outcome));
  const rows = sorted
    .slice(0, MAX_SHOWN)
    .map(({ number, name, site, username, outcome, reason }) => [
      `${number}`,
      strong(shorten(name, 30)),
      shorten(site ?? '', 40),
      shorten(username, 30),
      OUTCOMES[outcome],
      reason === null ? '' : dim(REASONS[reason]),
    ]);
  const { notes, oneTimeSecrets, bookmarks, alternates, fields, file } = leftOver;
  const rest = `${notes} notes, ${oneTimeSecrets} one-time secrets, ${bookmarks} bookmarks, ${alternates} further pairs, ${fields} other fields`;
  return [
    ...wrap(line`${mark(status)}  ${summary}`, columns, 4),
    ...table(rows, 2),
    ...(entries.length > MAX_SHOWN
      ? [line`  ${dim(`and ${entries.length - MAX_SHOWN} more; --json has all`)}`]
      : []),
    ...wrap(
      line`  Firefox has no place for: ${rest}${file === null ? '' : `; they are in ${file}`}.`,
      columns,
      4,
    ),
    ...(output === null
      ? []
      : wrap(
          line`  ${strong(output)} holds the passwords as they are: import it in about:logins, then delete it.`,
          columns,
          4,
        )),
    ...(profile === null ? [] : wrap(line`  imported into ${profile}`, columns, 4)),
    ...checks.filter(({ info }) => info).flatMap(({ message }) => wrap(line`  ${dim(message)}`, columns, 2)),
    ...renderChecks({ summary, checks }, columns),
  ];
}
