import type { BrowserStory } from '../../schema/demo.ts';
import { crit, dim, type Line, line, ok, strong, table, wrap } from '../text.ts';

function heading(number: number, title: string, command: string, columns: number): Line[] {
  return [[], ...wrap(line`${strong(`${number}. ${title}`)}  ${dim(command)}`, columns, 3)];
}

/** The story of the slow webmail, as it is told on the terminal. */
export function renderBrowserStory(story: BrowserStory, columns: number): Line[] {
  const { measurement, disabled, undone, passwords } = story;
  const { notes, oneTimeSecrets, bookmarks, alternates } = passwords.leftOver;
  return [
    ...wrap(
      line`Why is the webmail slow? The Firefox of this machine, without a window, on a profile made for this; in it an extension with RoboForm’s id that looks at every field.`,
      columns,
    ),
    ...heading(1, 'What does it do to a page?', 'postern browser diagnose --measure', columns),
    ...table(
      measurement.sizes.map(({ rows, with: withIt, without }) => [
        `${rows} rows`,
        crit(`stalls ${withIt.stallMs} ms`),
        ok(`${without.stallMs} ms without`),
      ]),
      2,
    ),
    line`  ${dim(`${measurement.growthMsPerRow.with} ms more for each row`)}`,
    ...heading(2, 'Switch it off', 'postern browser disable', columns),
    ...wrap(line`  ${ok('✔')} ${disabled.summary}`, columns, 4),
    line`  ${dim(`undo: ${disabled.undo ?? ''}`)}`,
    ...heading(3, 'And on again', 'postern browser undo', columns),
    ...wrap(line`  ${ok('✔')} ${undone.summary}`, columns, 4),
    ...heading(4, 'Carry the passwords over', 'postern browser passwords roboform.csv --to-firefox', columns),
    ...wrap(line`  ${strong(passwords.summary)}`, columns, 4),
    ...wrap(
      line`  ${dim(`For the encrypted left-over file: ${notes} notes, ${oneTimeSecrets} one-time secret, ${bookmarks} bookmark, ${alternates} further pair.`)}`,
      columns,
      2,
    ),
  ];
}
