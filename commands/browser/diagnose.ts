import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { diagnoseProfiles, measureInto } from '../../src/browser/diagnose.ts';
import { MAX_ROWS } from '../../src/browser/mailbox.ts';
import { BaseCommand } from '../../src/cli/base.ts';
import {
  firefoxFlags,
  firefoxFor,
  profileFlags,
  profileFor,
  profilesFor,
  surroundings,
} from '../../src/cli/browser-profile.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { renderDiagnosis } from '../../src/cli/render/browser.ts';
import { line } from '../../src/cli/text.ts';
import { AppError, ExitCode } from '../../src/errors.ts';
import type { BrowserDiagnoseResult } from '../../src/schema/browser.ts';

export default class BrowserDiagnose extends BaseCommand {
  static override summary = 'Find RoboForm in the profiles of Firefox, and whatever else touches every page.';
  static override description =
    'Reads the profiles of this user, wherever the package, the snap or the flatpak of Firefox keeps them, and changes ' +
    'nothing. With --measure Firefox loads a mailbox page on a copy of the profile (no logins, no cookies, no network), ' +
    'and the longest stall after the page has appeared is told, with and without RoboForm.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> default-esr --json',
    '<%= config.bin %> <%= command.id %> --measure',
    '<%= config.bin %> <%= command.id %> --profile-dir /srv/profiles/helpdesk',
  ];
  static override args = {
    profile: Args.string({ description: 'Name of one profile; all of them otherwise.', ignoreStdin: true }),
  };
  static override flags = {
    ...profileFlags,
    ...firefoxFlags,
    ...withEnvironment({
      'addon-id': Flags.string({
        summary: 'Take the extension with this id for RoboForm, too.',
        helpValue: 'ID',
      }),
      measure: Flags.boolean({
        summary:
          'Start Firefox without a window on a copy of the profile, and measure with and without RoboForm.',
      }),
      each: Flags.boolean({ summary: 'Measure, and leave out every extension in turn.' }),
      rows: Flags.integer({
        summary: 'Rows of the mailbox that is loaded; may be given again.',
        multiple: true,
        default: [50, 200, 500],
        min: 1,
        max: MAX_ROWS,
      }),
      runs: Flags.integer({
        summary: 'Load each page this often; the medians count.',
        default: 3,
        min: 1,
        max: 50,
      }),
    }),
  };

  override async run(): Promise<BrowserDiagnoseResult> {
    const { args, flags } = await this.parse(BrowserDiagnose);
    const options = { platform: process.platform, addonId: flags['addon-id'] };
    if (!flags.measure && !flags.each) {
      const profiles = profilesFor(args.profile, flags['profile-dir']);
      return this.emit(diagnoseProfiles(profiles, options), renderDiagnosis);
    }
    const profile = profileFor(args.profile, flags['profile-dir']);
    const binary = firefoxFor(profile.folder, flags);
    if (binary === undefined) throw noFirefox();
    const { env, platform } = surroundings();
    const result = await measureInto(diagnoseProfiles([profile], options), flags['addon-id'], {
      binary,
      env,
      platform,
      timeoutMs: flags['timeout-firefox'],
      signal: this.signal,
      rows: flags.rows.toSorted((a, b) => a - b),
      runs: flags.runs,
      each: flags.each,
      onStep: (text) => this.note(line`measuring ${text}`),
    });
    return this.emit(result, renderDiagnosis);
  }
}

function noFirefox(): AppError {
  return new AppError('There is no Firefox to measure with.', {
    code: 'E_FIREFOX',
    exit: ExitCode.unavailable,
    hint: 'Name it with --firefox.',
  });
}
