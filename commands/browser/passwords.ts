import { resolve } from 'node:path';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { withFirefox } from '../../src/browser/firefox.ts';
import {
  type Destination,
  MAX_EXPORT_BYTES,
  readExport,
  reportImport,
} from '../../src/browser/passwords/convert.ts';
import { compareWith, importInto } from '../../src/browser/passwords/firefox.ts';
import { type Decision, importFile, loginsOf, planImport } from '../../src/browser/passwords/plan.ts';
import { requireFree } from '../../src/browser/switch.ts';
import { BaseCommand } from '../../src/cli/base.ts';
import {
  ageFlags,
  readAgeTo,
  requireImportFile,
  requireLeftOverFile,
  writeLeftOver,
} from '../../src/cli/browser-passwords.ts';
import {
  firefoxFlags,
  firefoxFor,
  profileFlags,
  profileFor,
  surroundings,
} from '../../src/cli/browser-profile.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { readWhole } from '../../src/cli/input.ts';
import { renderPasswords } from '../../src/cli/render/browser.ts';
import { writeSecret } from '../../src/cli/secrets.ts';
import { AppError, ExitCode } from '../../src/errors.ts';
import type { BrowserPasswordsResult } from '../../src/schema/browser.ts';

export default class BrowserPasswords extends BaseCommand {
  static override summary = 'Carry the passwords of RoboForm over to Firefox, and lose nothing on the way.';
  static override description =
    'Reads RoboForm’s CSV export or its printed list (HTML). Without --out or --to-firefox it only says what would ' +
    'become of each entry; passwords are never shown. --to-firefox hands them to Firefox’s own importer in a closed ' +
    'profile, so that no file holds them. What Firefox has no place for (notes, one-time secrets, bookmarks, further ' +
    'pairs, entries that are set aside) goes to a file encrypted with age.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> roboform.csv',
    '<%= config.bin %> <%= command.id %> roboform.csv --to-firefox --left-over rest.age --passphrase-file phrase',
    '<%= config.bin %> <%= command.id %> roboform.html --out import.csv --left-over rest.age --recipient age1…',
  ];
  static override args = {
    file: Args.string({
      description: 'RoboForm’s export; "-" is standard input.',
      required: true,
      ignoreStdin: true,
    }),
  };
  static override flags = {
    ...profileFlags,
    ...firefoxFlags,
    ...ageFlags,
    ...withEnvironment({
      'to-firefox': Flags.boolean({ summary: 'Import into a closed profile.', exclusive: ['out'] }),
      profile: Flags.string({
        summary: 'Name of that profile; the default one otherwise.',
        helpValue: 'NAME',
      }),
      out: Flags.string({ summary: 'Write a file for the importer in about:logins.', helpValue: 'FILE.csv' }),
      'left-over': Flags.string({
        summary: 'Write what Firefox has no place for to this file, encrypted with age.',
        helpValue: 'FILE.age',
      }),
    }),
  };

  override async run(): Promise<BrowserPasswordsResult> {
    const { args, flags } = await this.parse(BrowserPasswords);
    const read = readExport(await readWhole(args.file, MAX_EXPORT_BYTES));
    const decisions = planImport(read.entries);
    const emit = (final: readonly Decision[], to: Destination) =>
      this.emit(reportImport(args.file, read, final, to), renderPasswords);
    if (!flags['to-firefox'] && flags.out === undefined) {
      return emit(decisions, { mode: 'preview', output: null, profile: null, leftOverFile: null });
    }
    const rest = requireLeftOverFile(flags['left-over']);
    const to = await readAgeTo(flags, this.mayAsk);
    if (flags.out !== undefined) {
      const output = requireImportFile(flags.out);
      await writeLeftOver(rest, decisions, to);
      writeSecret(output, importFile(loginsOf(decisions)));
      return emit(decisions, { mode: 'file', output, profile: null, leftOverFile: rest });
    }
    const { folder } = profileFor(flags.profile, flags['profile-dir']);
    const final = await this.toFirefox(
      folder,
      decisions,
      firefoxFor(folder, flags),
      flags['timeout-firefox'],
      (all) => writeLeftOver(rest, all, to),
    );
    return emit(final, { mode: 'firefox', output: null, profile: resolve(folder), leftOverFile: rest });
  }

  /** Compare, keep what is left over, import: in that order, so that a failure loses nothing. */
  private async toFirefox(
    folder: string,
    decisions: readonly Decision[],
    binary: string | undefined,
    timeoutMs: number,
    keepRest: (decisions: readonly Decision[]) => Promise<void>,
  ): Promise<readonly Decision[]> {
    const { env, platform } = surroundings();
    if (binary === undefined) throw noFirefox();
    requireFree(folder, platform);
    this.signal.throwIfAborted();
    return withFirefox({ binary, folder, env, platform, timeoutMs, signal: this.signal }, async (firefox) => {
      const final = await compareWith(firefox, decisions);
      await keepRest(final);
      await importInto(firefox, final);
      return final;
    });
  }
}

function noFirefox(): AppError {
  return new AppError('There is no Firefox to import with.', {
    code: 'E_FIREFOX',
    exit: ExitCode.unavailable,
    hint: 'Name it with --firefox, or write an import file with --out.',
  });
}
