import { homedir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import type { Interfaces } from '@oclif/core';
import * as Flags from '@oclif/core/flags';
import { findFirefox } from '../browser/firefox.ts';
import { placesOf, type Surroundings } from '../browser/places.ts';
import { findProfiles, isFolder, type Profile } from '../browser/profiles.ts';
import { AppError, ExitCode } from '../errors.ts';
import { duration, withEnvironment } from './flags.ts';

/** Flags of what works on profiles. */
export const profileFlags = withEnvironment({
  'profile-dir': Flags.string({
    summary: 'Take the profile in this folder, which need not be listed anywhere.',
    helpValue: 'DIR',
  }),
});

/** Flags of what starts a Firefox. */
export const firefoxFlags = withEnvironment({
  firefox: Flags.string({
    summary: 'Start this Firefox instead of the one that used the profile last.',
    helpValue: 'FILE',
  }),
  'timeout-firefox': duration({
    summary: 'Wait this long for Firefox to start, and for each answer.',
    default: 60_000,
    defaultHelp: async () => '1m',
    helpValue: 'DURATION',
  }),
});

type FirefoxFlags = Interfaces.InferredFlags<typeof firefoxFlags>;

/** Of this process. */
export function surroundings(): Surroundings {
  return { platform: process.platform, home: process.env['HOME'] || homedir(), env: process.env };
}

/** Where former states of profiles are kept. */
export const backupFlags = withEnvironment({
  'backup-folder': Flags.string({
    summary: 'Keep former states in this folder instead of the one for state.',
    helpValue: 'DIR',
  }),
});

/** The folder of former states, as asked for or in the state of this user. */
export function backupsFolder(flags: Interfaces.InferredFlags<typeof backupFlags>): string {
  if (flags['backup-folder'] !== undefined) return resolve(flags['backup-folder']);
  const { env, home } = surroundings();
  return join(env['XDG_STATE_HOME'] || join(home, '.local', 'state'), 'postern', 'browser');
}

/** The Firefox for a profile, as asked for or found. */
export function firefoxFor(folder: string, flags: FirefoxFlags): string | undefined {
  return flags.firefox ?? findFirefox(folder, surroundings());
}

/**
 * Profiles by name or folder; all of this user's without either.
 *
 * @throws {AppError} E_PROFILE, exit 65
 */
export function profilesFor(name: string | undefined, folder: string | undefined): readonly Profile[] {
  if (folder !== undefined) return [profileAt(folder)];
  const all = findProfiles(placesOf(surroundings()));
  if (name === undefined) return all;
  const named = all.filter((profile) => profile.name === name);
  if (named.length > 0) return named;
  throw new AppError(`There is no profile '${name}'.`, {
    code: 'E_PROFILE',
    exit: ExitCode.input,
    hint: 'Without a name all profiles are shown; --profile-dir takes a folder.',
  });
}

/**
 * One profile: the one that is named, the only one, or the one that Firefox starts with.
 *
 * @throws {AppError} E_PROFILE, exit 65, for none or several
 */
export function profileFor(name: string | undefined, folder: string | undefined): Profile {
  const all = profilesFor(name, folder);
  const defaults = all.filter(({ isDefault }) => isDefault);
  const [one, ...others] = all.length > 1 ? defaults : all;
  if (one && others.length === 0) return one;
  throw new AppError(all.length === 0 ? 'There is no profile of Firefox.' : 'There are several profiles.', {
    code: 'E_PROFILE',
    exit: ExitCode.input,
    hint: 'Name one, or its folder with --profile-dir; "postern browser diagnose" lists them.',
  });
}

function profileAt(folder: string): Profile {
  const path = resolve(folder);
  if (isFolder(path)) return { name: basename(path), folder: path, isDefault: false, packaging: 'system' };
  throw new AppError(`There is no folder '${folder}'.`, {
    code: 'E_PROFILE',
    exit: ExitCode.input,
    hint: 'A profile’s folder is shown in about:profiles as its root directory.',
  });
}
