import { BaseCommand, judgeTime } from '../../src/cli/base.ts';
import { laboratoryFlags } from '../../src/cli/flags.ts';
import { renderTrustList } from '../../src/cli/render/trust-lists.ts';
import { trustStore } from '../../src/cli/trust-store.ts';
import { describeKept, listReport } from '../../src/registry/sync.ts';
import type { TrustListResult } from '../../src/schema/trust-lists.ts';

export default class TrustList extends BaseCommand {
  static override summary = 'List the mediators whose lists of trusted domains are kept here.';
  static override description =
    'Verifies what is kept, without the network. Warning: a list has expired or has to be fetched again, so that ' +
    'nothing is trusted because of it.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --json',
  ];
  static override flags = { 'as-of': laboratoryFlags['as-of'] };

  override async run(): Promise<TrustListResult> {
    const { flags } = await this.parse(TrustList);
    const store = trustStore();
    const kept = store.mediators().flatMap((id) => store.read(id) ?? []);
    const lists = kept.map((each) => describeKept(each, store.list(each)));
    return this.emit(listReport(lists, judgeTime(flags['as-of'])), renderTrustList);
  }
}
