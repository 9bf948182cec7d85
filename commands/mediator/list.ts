import { BaseCommand } from '../../src/cli/base.ts';
import { mediatorFlags, Office } from '../../src/cli/mediator.ts';
import { renderEntries } from '../../src/cli/render/mediator.ts';
import { entryCheck, entryView } from '../../src/mediator/view.ts';
import { worst } from '../../src/report.ts';
import type { MediatorListResult } from '../../src/schema/mediator.ts';

export default class MediatorList extends BaseCommand {
  static override summary = 'List the companies of a mediator and where each stands.';
  static override description = 'Warning: a term ends within 30 days; critical: one has ended.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --json',
  ];
  static override flags = mediatorFlags;

  override async run(): Promise<MediatorListResult> {
    const { flags } = await this.parse(MediatorList);
    const { ledger } = new Office(flags.folder).journal();
    const entries = [...ledger.entries.values()];
    const checks = entries.map((entry) => entryCheck(entry, Date.now()));
    const active = entries.filter(({ status }) => status === 'active').length;
    const result = {
      target: ledger.mediator?.id ?? null,
      status: worst(checks.map(({ status }) => status)),
      summary: `${entries.length} ${entries.length === 1 ? 'company' : 'companies'}, ${active} vouched for.`,
      checks,
      mediator: ledger.mediator?.id ?? '',
      name: ledger.mediator?.name ?? '',
      entries: entries.map((entry) => entryView(entry, ledger)),
    };
    return this.emit(result, renderEntries);
  }
}
