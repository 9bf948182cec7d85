import type {
  BrowserBackupListResult,
  BrowserBackupPushResult,
  BrowserBackupRestoreResult,
} from '../../schema/browser.ts';
import { dim, type Line, line, mark, strong, table, wrap } from '../text.ts';

/** Backups by name, the oldest first. */
export function renderBackups(
  { status, summary, backups }: BrowserBackupListResult,
  columns: number,
): Line[] {
  return [
    ...wrap(line`${mark(status)}  ${summary}`, columns, 4),
    ...table(
      backups.map(({ name, lengthBytes }) => [strong(name), dim(`${lengthBytes} bytes`)]),
      2,
    ),
  ];
}

/** What was kept, and where. */
export function renderPushed(
  { status, summary, backup, removed }: BrowserBackupPushResult,
  columns: number,
): Line[] {
  return [
    ...wrap(line`${mark(status)}  ${summary}`, columns, 4),
    line`  ${strong(backup.name)} ${dim(`${backup.lengthBytes} bytes`)}`,
    ...removed.map((name) => line`  ${dim(`taken away: ${name}`)}`),
  ];
}

/** What was added, or would be. */
export function renderRestored(result: BrowserBackupRestoreResult, columns: number): Line[] {
  const { status, summary, backup, from, time, logins, bookmarks, missingExtensions } = result;
  const missing = missingExtensions.map(({ name }) => name).join(', ');
  return [
    ...wrap(line`${mark(status)}  ${summary}`, columns, 4),
    line`  ${strong(backup)} ${dim(`of ${from}, ${time}`)}`,
    ...table(
      [
        [
          'logins',
          `${logins.new} new`,
          `${logins.same} there already`,
          `${logins.different} with another password, which stays`,
        ],
        ['bookmarks', `${bookmarks.new} new`, `${bookmarks.same} there already`],
      ],
      2,
    ),
    ...(missing === '' ? [] : wrap(line`  ${dim(`Extensions that are not here: ${missing}.`)}`, columns, 2)),
  ];
}
