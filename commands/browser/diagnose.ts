import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { diagnoseProfiles } from '../../src/browser/diagnose.ts';
import { BaseCommand } from '../../src/cli/base.ts';
import { profileFlags, profilesFor } from '../../src/cli/browser-profile.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { renderDiagnosis } from '../../src/cli/render/browser.ts';
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
  static override flags = {
    ...profileFlags,
    ...withEnvironment({
      'addon-id': Flags.string({
        summary: 'Take the extension with this id for RoboForm, too.',
        helpValue: 'ID',
      }),
    }),
  };

  override async run(): Promise<BrowserDiagnoseResult> {
    const { args, flags } = await this.parse(BrowserDiagnose);
    const profiles = profilesFor(args.profile, flags['profile-dir']);
    const options = { platform: process.platform, addonId: flags['addon-id'] };
    return this.emit(diagnoseProfiles(profiles, options), renderDiagnosis);
  }
}
