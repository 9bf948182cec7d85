import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../src/cli/base.ts';
import { FINDING_FORMATS, formatFlag } from '../../src/cli/flags.ts';
import { readWhole } from '../../src/cli/input.ts';
import { renderReportTls } from '../../src/cli/render/reports.ts';
import { gatherReports } from '../../src/reports/gather.ts';
import { parseTlsReport } from '../../src/reports/tls.ts';
import { tlsSummary } from '../../src/reports/tls-summary.ts';
import type { ReportTlsResult } from '../../src/schema/reports.ts';

/** Larger than any mail that a receiver sends. */
const MAX_FILE = 64_000_000;

export default class ReportTls extends BaseCommand {
  static override summary = 'Sum up TLS reports: which senders could not encrypt to you, and why.';
  static override description =
    'Reads the reports that senders send to the address in the record of _smtp._tls (RFC 8460), as JSON, in gzip or zip, ' +
    'or still attached to a mail; a report that is there twice counts once. Failures are summed by what failed at which ' +
    'server. Critical: under DANE or MTA-STS in mode enforce, where such mail is not delivered; else a warning.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> reports/*.json.gz',
    '<%= config.bin %> <%= command.id %> mail.eml --json',
    '<%= config.bin %> <%= command.id %> - < report.json',
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

  override async run(): Promise<ReportTlsResult> {
    const { args } = await this.parse(ReportTls);
    const gathered = await gatherReports(args.file, (file) => readWhole(file, MAX_FILE), parseTlsReport);
    const target = args.file.length === 1 ? (args.file[0] ?? null) : null;
    return this.emit(tlsSummary(target, gathered), renderReportTls);
  }
}
