import { homedir } from 'node:os';
import { basename, resolve } from 'node:path';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { diagnoseProfiles } from '../../src/browser/diagnose.ts';
import { placesOf } from '../../src/browser/places.ts';
import { findProfiles, isFolder, type Profile } from '../../src/browser/profiles.ts';
import { BaseCommand } from '../../src/cli/base.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { renderDiagnosis } from '../../src/cli/render/browser.ts';
import { AppError, ExitCode } from '../../src/errors.ts';
import type { BrowserDiagnoseResult } from '../../src/schema/browser.ts';

export default class BrowserDiagnose extends BaseCommand {
  static override summary = 'Find RoboForm in the profiles of Firefox, and whatever else touches every page.';
  static override description =
    'Reads the profiles of this user, wherever the package, the snap or the flatpak of Firefox keeps them. Starts ' +
    'nothing and changes nothing.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> default-esr --json',
    '<%= config.bin %> <%= command.id %> --profile-dir /srv/profiles/helpdesk',
  ];
  static override args = {
    profile: Args.string({ description: 'Name of one profile; all of them otherwise.', ignoreStdin: true }),
  };
  static override flags = withEnvironment({
    'profile-dir': Flags.string({
      summary: 'Look at the profile in this folder, which need not be listed anywhere.',
      helpValue: 'DIR',
    }),
    'addon-id': Flags.string({
      summary: 'Take the extension with this id for RoboForm, too.',
      helpValue: 'ID',
    }),
  });

  override async run(): Promise<BrowserDiagnoseResult> {
    const { args, flags } = await this.parse(BrowserDiagnose);
    const profiles = profilesFor(args.profile, flags['profile-dir']);
    const options = { platform: process.platform, addonId: flags['addon-id'] };
    return this.emit(diagnoseProfiles(profiles, options), renderDiagnosis);
  }
}

function profilesFor(name: string | undefined, folder: string | undefined): readonly Profile[] {
  if (folder !== undefined) return [profileAt(folder)];
  const surroundings = {
    platform: process.platform,
    home: process.env['HOME'] || homedir(),
    env: process.env,
  };
  const all = findProfiles(placesOf(surroundings));
  if (name === undefined) return all;
  const named = all.filter((profile) => profile.name === name);
  if (named.length > 0) return named;
  throw new AppError(`There is no profile '${name}'.`, {
    code: 'E_PROFILE',
    exit: ExitCode.input,
    hint: 'Without a name all profiles are shown; --profile-dir takes a folder.',
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
