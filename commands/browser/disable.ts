import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { disableRoboForm } from '../../src/browser/switch.ts';
import { BaseCommand } from '../../src/cli/base.ts';
import {
  backupFlags,
  backupsFolder,
  firefoxFlags,
  firefoxFor,
  profileFlags,
  profileFor,
  surroundings,
} from '../../src/cli/browser-profile.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { renderDisabled } from '../../src/cli/render/browser.ts';
import type { BrowserDisableResult } from '../../src/schema/browser.ts';

export default class BrowserDisable extends BaseCommand {
  static override summary = 'Switch RoboForm off in a profile of Firefox, so that it can be undone.';
  static override description =
    'Refuses while the profile is in use. Keeps the former files, has Firefox’s own add-on manager switch the ' +
    'extension off (without a window; without a Firefox the files are edited), looks whether it stayed so, and prints ' +
    'the line that undoes it. Nothing is removed: RoboForm’s own data stay.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> default-esr',
    '<%= config.bin %> <%= command.id %> --profile-dir /srv/profiles/helpdesk --edit-files',
  ];
  static override args = {
    profile: Args.string({
      description: 'Name of the profile; the default one otherwise.',
      ignoreStdin: true,
    }),
  };
  static override flags = {
    ...profileFlags,
    ...firefoxFlags,
    ...backupFlags,
    ...withEnvironment({
      'addon-id': Flags.string({
        summary: 'Take the extension with this id for RoboForm, too.',
        helpValue: 'ID',
      }),
      'edit-files': Flags.boolean({
        summary: 'Edit the files of the profile even where there is a Firefox.',
      }),
    }),
  };

  override async run(): Promise<BrowserDisableResult> {
    const { args, flags } = await this.parse(BrowserDisable);
    const { folder } = profileFor(args.profile, flags['profile-dir']);
    const result = await disableRoboForm(folder, flags['addon-id'], {
      backups: backupsFolder(flags),
      binary: flags['edit-files'] ? undefined : firefoxFor(folder, flags),
      surroundings: surroundings(),
      timeoutMs: flags['timeout-firefox'],
      nowMs: Date.now(),
      signal: this.signal,
    });
    return this.emit(result, renderDisabled);
  }
}
