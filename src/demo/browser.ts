import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAddons } from '../browser/addons.ts';
import { type Launch, withFirefox } from '../browser/firefox.ts';
import { measureProfile } from '../browser/measure.ts';
import { readExport, reportImport } from '../browser/passwords/convert.ts';
import { compareWith, importInto } from '../browser/passwords/firefox.ts';
import { planImport } from '../browser/passwords/plan.ts';
import { disableRoboForm, undoDisable } from '../browser/switch.ts';
import { makeProfile, ROBOFORM_ID } from '../lab/firefox-profile.ts';
import type { Check } from '../report.ts';
import type { BrowserStory } from '../schema/demo.ts';

/** What a person may have in RoboForm; made for this. */
const EXPORT = `Name,Url,MatchUrl,Login,Pwd,Note,Folder,RfFieldsV2
Webmail,https://webmail.example.org/login,,me,practice-1,ask the desk,/Work,"TOTP KEY$,,,txt,JBSWY3DPEHPK3PXP"
Webmail copy,https://webmail.example.org/,,me,practice-1,,,
Shop,shop.example.net,,me,practice-2,,,"User ID$,,,txt,me","Password$,,,pwd,practice-2","User ID$,,,txt,you","Password$,,,pwd,practice-3"
Bank,https://bank.example.com/,,me,practice-old,,,
Bank,https://bank.example.com/,,me,practice-new,,,
News,https://news.example.org/,,,,,,
Safe,,,,,number of the safe: practice-4,,
`;

/** Firefox, and what is to be known to start it. */
export type BrowserDemo = Omit<Launch, 'folder'> & { readonly home: string; readonly nowMs: number };

/** Ids of the extensions that run, as the profile has them. */
const running = (folder: string) =>
  (parseAddons(readFileSync(join(folder, 'extensions.json'), 'utf8')) ?? []).filter(({ active }) => active);

/** Carry the practice passwords over into the practice profile. */
async function carryOver(launch: Launch) {
  const read = readExport(Buffer.from(EXPORT));
  const final = await withFirefox(launch, async (firefox) => {
    const decisions = await compareWith(firefox, planImport(read.entries));
    await importInto(firefox, decisions);
    return decisions;
  });
  return reportImport('roboform.csv', read, final, {
    mode: 'firefox',
    output: null,
    profile: launch.folder,
    leftOverFile: null,
  });
}

/**
 * Tell the story on a profile that is made for it and removed at the end: what an extension of RoboForm's id does to
 * a page, off, on again, and the passwords carried over.
 */
export async function tellBrowser({ home, nowMs, ...how }: BrowserDemo): Promise<BrowserStory> {
  const work = mkdtempSync(join(tmpdir(), 'postern-demo-'));
  const folder = join(work, 'profile');
  try {
    makeProfile(folder, [{ id: ROBOFORM_ID, name: 'RoboForm (practice)', stallMsPerField: 2 }]);
    const launch = { ...how, folder };
    await withFirefox(launch, async () => undefined);
    const addons = running(folder);
    const measurement = await measureProfile(folder, addons, addons, {
      ...how,
      rows: [50, 500],
      runs: 1,
      each: false,
    });
    const switching = {
      backups: join(work, 'backups'),
      surroundings: { platform: how.platform, home, env: how.env },
      nowMs,
      ...how,
    };
    const disabled = await disableRoboForm(folder, undefined, switching);
    const runningWhenOff = running(folder).map(({ id }) => id);
    const undone = await undoDisable(undefined, switching);
    const runningAfterUndo = running(folder).map(({ id }) => id);
    const passwords = await carryOver(launch);
    return { story: 'browser', measurement, disabled, runningWhenOff, undone, runningAfterUndo, passwords };
  } finally {
    rmSync(work, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** What the story should have shown. */
export function checkBrowser(story: BrowserStory): Check[] {
  const { measurement, runningWhenOff, undone, runningAfterUndo, passwords } = story;
  const [small, large] = measurement.sizes;
  const check = (id: string, good: boolean, message: string): Check => ({
    id,
    status: good ? 'ok' : 'crit',
    message,
  });
  const sum = passwords.imported + passwords.merged + passwords.setAside;
  return [
    check(
      'demo.browser.stall',
      (large?.with.stallMs ?? 0) > (small?.with.stallMs ?? 0) &&
        (large?.with.stallMs ?? 0) > (large?.without.stallMs ?? 0),
      'The page stalled with the extension, longer the larger it was.',
    ),
    check('demo.browser.off', runningWhenOff.length === 0, 'The extension was switched off.'),
    check(
      'demo.browser.undo',
      undone.method === 'restored' && runningAfterUndo.includes(ROBOFORM_ID),
      'The former state came back byte for byte.',
    ),
    check('demo.browser.passwords', sum === passwords.read, 'Every password that was read is accounted for.'),
  ];
}
