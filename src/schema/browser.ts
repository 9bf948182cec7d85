import { z } from 'zod';
import { type Frozen, report } from './report.ts';

const extension = z.strictObject({
  id: z.string(),
  name: z.string(),
  creator: z.string(),
  version: z.string(),
  active: z.boolean(),
  disabledBy: z.enum(['user', 'firefox']).nullable(),
  source: z
    .enum(['profile', 'system', 'other'])
    .describe('Installed by the user, brought by the operating system, or another way.'),
  path: z.string(),
  everyPage: z.boolean().describe('It may run a script in every page.'),
  isRoboForm: z.boolean(),
});

const figures = z.strictObject({
  stallMs: z.int().describe('Longest time for which the page could do nothing.'),
  cpuMs: z.int().describe('Processor time of all processes of Firefox.'),
});

export const measurement = z.strictObject({
  runs: z.int().describe('Loads of each page; the figures are medians.'),
  sizes: z.array(z.strictObject({ rows: z.int(), with: figures, without: figures })),
  growthMsPerRow: z.strictObject({ with: z.number(), without: z.number() }).describe('Of the longest stall.'),
  each: z
    .array(
      z.strictObject({
        id: z.string(),
        name: z.string(),
        savedMs: z.int().describe('By how much the stall at the largest size is shorter without it.'),
      }),
    )
    .nullable(),
});

export type Measurement = Frozen<z.infer<typeof measurement>>;

export const browserDiagnose = z.strictObject({
  ...report.shape,
  profiles: z.array(
    z.strictObject({
      name: z.string(),
      folder: z.string(),
      isDefault: z.boolean(),
      packaging: z.enum(['system', 'snap', 'flatpak']),
      use: z.enum(['free', 'in-use', 'unknown']).describe('Whether a Firefox has it open.'),
      roboform: z.enum(['enabled', 'disabled', 'absent', 'unknown']),
      extensions: z.array(extension),
    }),
  ),
  measurement: measurement
    .nullable()
    .describe('With --measure: on a copy of the profile, with and without RoboForm.'),
});

export type BrowserDiagnoseResult = Frozen<z.infer<typeof browserDiagnose>>;

export const browserDisable = z.strictObject({
  ...report.shape,
  addons: z
    .array(z.strictObject({ id: z.string(), name: z.string(), version: z.string() }))
    .describe('RoboForm, as found.'),
  method: z
    .enum(['firefox', 'files'])
    .nullable()
    .describe('By Firefox’s add-on manager, by an edit of the files, or null where nothing was to be done.'),
  change: z.string().nullable().describe('Name of the change, for "browser undo".'),
  undo: z.string().nullable().describe('The line that undoes it.'),
});

export type BrowserDisableResult = Frozen<z.infer<typeof browserDisable>>;

export const browserUndo = z.strictObject({
  ...report.shape,
  change: z.string(),
  addons: z.array(z.string()),
  method: z
    .enum(['restored', 'firefox', 'files'])
    .nullable()
    .describe(
      'The former files, Firefox’s add-on manager, an edit of the files, or null for one undone before.',
    ),
});

export type BrowserUndoResult = Frozen<z.infer<typeof browserUndo>>;

export const browserPasswords = z.strictObject({
  ...report.shape,
  mode: z.enum(['preview', 'file', 'firefox']),
  format: z.enum(['csv', 'html']),
  encoding: z.enum(['utf-8', 'utf-8-bom', 'utf-16le', 'utf-16be', 'windows-1252']),
  read: z.int().describe('Entries of the export: imported, merged and set aside add up to it.'),
  imported: z.int(),
  merged: z.int().describe('They say what another entry, or Firefox, has already.'),
  setAside: z.int().describe('Not for Firefox: they go to the left-over file as they are.'),
  leftOver: z
    .strictObject({
      notes: z.int(),
      oneTimeSecrets: z.int(),
      bookmarks: z.int(),
      alternates: z.int().describe('Further pairs of name and password of an entry.'),
      fields: z.int().describe('Other captured fields.'),
      file: z.string().nullable(),
    })
    .describe('What Firefox has no place for, of all entries.'),
  output: z.string().nullable().describe('The import file.'),
  profile: z.string().nullable().describe('Folder of the profile that was imported into.'),
  entries: z.array(
    z.strictObject({
      number: z.int(),
      name: z.string(),
      site: z.string().nullable(),
      username: z.string(),
      outcome: z.enum(['import', 'merge', 'set-aside']),
      reason: z
        .enum(['bookmark', 'note', 'no-site', 'not-web', 'no-password', 'two-passwords', 'in-firefox'])
        .nullable(),
    }),
  ),
});

export type BrowserPasswordsResult = Frozen<z.infer<typeof browserPasswords>>;

const backupFile = z.strictObject({ name: z.string(), lengthBytes: z.int() });

export const browserBackupList = z.strictObject({ ...report.shape, backups: z.array(backupFile) });

export type BrowserBackupListResult = Frozen<z.infer<typeof browserBackupList>>;

export const browserBackupPush = z.strictObject({
  ...report.shape,
  backup: backupFile.describe('Written, read back, and found to be the same.'),
  logins: z.int(),
  bookmarks: z.int(),
  extensions: z.int(),
  removed: z.array(z.string()).describe('Older backups of this machine that --keep took away.'),
});

export type BrowserBackupPushResult = Frozen<z.infer<typeof browserBackupPush>>;

export const browserBackupRestore = z.strictObject({
  ...report.shape,
  backup: z.string(),
  from: z.string().describe('The machine it was made on.'),
  time: z.string(),
  merged: z.boolean().describe('Whether it was done; without --yes it is only told.'),
  logins: z.strictObject({
    new: z.int(),
    same: z.int(),
    different: z.int().describe('The profile has another password, and keeps it.'),
  }),
  bookmarks: z.strictObject({ new: z.int(), same: z.int() }),
  missingExtensions: z
    .array(z.strictObject({ id: z.string(), name: z.string() }))
    .describe('Only told: none is installed.'),
});

export type BrowserBackupRestoreResult = Frozen<z.infer<typeof browserBackupRestore>>;
