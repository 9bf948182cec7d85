import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand, judgeTime } from '../../src/cli/base.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { renderSrsReverse } from '../../src/cli/render/srs.ts';
import { readSecrets, refuseSecretOnArgv } from '../../src/cli/secrets.ts';
import { collectTargets } from '../../src/cli/targets.ts';
import { warn } from '../../src/cli/text.ts';
import type { SrsReverseResult } from '../../src/schema/srs-reverse.ts';
import { readingReport, reverseReport } from '../../src/srs/report.ts';
import { readSrs, reverseSrs } from '../../src/srs/reverse.ts';

export default class SrsReverse extends BaseCommand {
  static override summary = 'Find the way back for a bounce to a rewritten sender (SRS).';
  static override description =
    'Checks hash and age of an address that "srs forward", Mail::SRS, libsrs2 or postsrsd made, and prints the ' +
    'address that the bounce goes to. Critical: no secret fits, or it is too old. With --explain it is only read, ' +
    'which takes no secret and proves nothing.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> SRS0=kSoM=JO=example.net=joe@forwarder.example --secret-file srs.secret',
    '<%= config.bin %> <%= command.id %> SRS0=kSoM=JO=example.net=joe@forwarder.example --explain',
  ];
  static override several = true;
  static override args = {
    address: Args.string({
      description: 'Address that SRS has rewritten; "-" reads a list from standard input.',
      required: true,
      multiple: true,
      ignoreStdin: true,
    }),
  };
  static override flags = withEnvironment({
    'secret-file': Flags.string({
      summary: 'File with mode 0600, a secret a line; all of them count.',
      helpValue: 'FILE',
    }),
    secret: Flags.string({ summary: 'Refused: a secret does not belong here.', hidden: true }),
    explain: Flags.boolean({ summary: 'Read the address without verifying it.', exclusive: ['secret-file'] }),
    'max-age-days': Flags.integer({
      summary: 'Oldest address that is taken, in days.',
      default: 21,
      min: 1,
      max: 500,
      helpValue: 'N',
    }),
    'min-hash-length': Flags.integer({
      summary: 'Shortest hash that is taken, in characters.',
      default: 4,
      min: 1,
      max: 27,
      helpValue: 'N',
    }),
    'as-of': Flags.string({ summary: 'Take this for the current time (ISO 8601).', helpValue: 'TIME' }),
  });

  override async run(): Promise<readonly SrsReverseResult[]> {
    const { args, flags } = await this.parse(SrsReverse);
    refuseSecretOnArgv(flags.secret);
    const nowMs = judgeTime(flags['as-of']);
    const secrets = flags.explain ? null : readSecrets(flags['secret-file'], 'postern-srs-secret');
    const limits = { maxAgeDays: flags['max-age-days'], minHashLength: flags['min-hash-length'] };
    return this.each(
      await collectTargets(args.address, undefined),
      { parallel: 1, ordered: true },
      async (address) => {
        if (secrets === null) return readingReport(address, readSrs(address, nowMs));
        const result = reverseReport(address, reverseSrs(address, { secrets, nowMs, ...limits }));
        for (const { status, message } of result.checks)
          if (status === 'warn') this.note([warn(`${address}: ${message}`)]);
        return result;
      },
      renderSrsReverse,
    );
  }
}
