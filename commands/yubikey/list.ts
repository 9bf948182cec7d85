import { BaseCommand } from '../../src/cli/base.ts';
import { deskFlags, openDesk, speakingOf } from '../../src/cli/desk.ts';
import { renderKeys } from '../../src/cli/render/yubikey.ts';
import { listResult } from '../../src/keys/views.ts';
import type { YubikeyListResult } from '../../src/schema/yubikey.ts';
import { surveyDesk } from '../../src/yubikey/survey.ts';

export default class YubikeyList extends BaseCommand {
  static override summary = 'List the YubiKeys that are plugged in.';
  static override description =
    'Serial number, model, firmware, interfaces and slots of each. Keys without an OTP interface, and those that may ' +
    'not be opened, are listed, too, with the reason.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --json',
  ];
  static override flags = deskFlags;

  override async run(): Promise<YubikeyListResult> {
    const { flags } = await this.parse(YubikeyList);
    const surveyed = await surveyDesk(await openDesk(flags), speakingOf(flags, this.signal));
    return this.emit(listResult(surveyed), renderKeys);
  }
}
