import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../src/cli/base.ts';
import { FINDING_FORMATS, formatFlag } from '../../src/cli/flags.ts';
import { readWhole } from '../../src/cli/input.ts';
import { renderReportDmarc } from '../../src/cli/render/reports.ts';
import { parseDmarcReport } from '../../src/reports/dmarc.ts';
import { dmarcSummary } from '../../src/reports/dmarc-summary.ts';
import { gatherReports } from '../../src/reports/gather.ts';
import type { ReportDmarcResult } from '../../src/schema/reports.ts';

/** Larger than any mail that a receiver sends. */
const MAX_FILE = 64_000_000;

export default class ReportDmarc extends BaseCommand {
  static override summary = 'Sum up DMARC aggregate reports: who sends in your name, and what fails.';
  static override description =
    'Reads the reports that receivers send to the address in rua=, as XML, in gzip or zip, or still attached to a mail; ' +
    'a report that is there twice counts once. Each address that sent is one of: passes, forwarded, broken (your own ' +
    'signature failed), misaligned (authenticated as somebody else), unauthenticated. Critical: mail that may be yours ' +
    'was quarantined or rejected. Warning: it fails, or strangers use the name and the policy lets them.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> reports/*.xml.gz',
    '<%= config.bin %> <%= command.id %> mail.eml --format csv',
    '<%= config.bin %> <%= command.id %> - < report.zip',
  ];
  static override targets = 'file' as const;
  static override args = {
    file: Args.string({
      description: 'Reports, or mails with reports; "-" is standard input.',
      required: true,
      multiple: true,
      ignoreStdin: true,
    }),
  };
  static override flags = { format: formatFlag(['text', 'json', ...FINDING_FORMATS]) };

  override async run(): Promise<ReportDmarcResult> {
    const { args } = await this.parse(ReportDmarc);
    const gathered = await gatherReports(args.file, (file) => readWhole(file, MAX_FILE), parseDmarcReport);
    const target = args.file.length === 1 ? (args.file[0] ?? null) : null;
    return this.emit(dmarcSummary(target, gathered), renderReportDmarc);
  }
}
