import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { readWhole } from '../../src/cli/input.ts';
import { mediatorFlags, Office } from '../../src/cli/mediator.ts';
import { renderFindings } from '../../src/cli/render/mediator.ts';
import { headCheck, journalCheck, listCheck, openSignupCheck } from '../../src/mediator/audit.ts';
import { headOf } from '../../src/mediator/journal.ts';
import { MAX_LIST_BYTES } from '../../src/registry/documents.ts';
import { worst } from '../../src/report.ts';
import type { MediatorAuditResult } from '../../src/schema/mediator.ts';

export default class MediatorAudit extends BaseCommand {
  static override summary = 'Replay the journal and prove that the signed list follows from it.';
  static override description =
    'Checks the chain of digests and every act against the rules, makes the list again from the line that its statement ' +
    'names, and compares the bytes. --head holds the journal to a line noted elsewhere, so that an end that was cut off ' +
    'is found. Critical: it does not follow.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --list /srv/www/trust/lists/SHA256.json',
  ];
  static override flags = {
    ...withEnvironment({
      list: Flags.string({
        summary: 'Compare with this file instead of the one in the mediator’s folder.',
        helpValue: 'FILE',
      }),
      head: Flags.string({ summary: 'Digest of a line that the journal has to have.', helpValue: 'SHA256' }),
    }),
    ...mediatorFlags,
  };

  override async run(): Promise<MediatorAuditResult> {
    const { flags } = await this.parse(MediatorAudit);
    const office = new Office(flags.folder);
    const journal = office.journal();
    const published = office.published();
    const bytes =
      flags.list === undefined
        ? office.readPublic(`lists/${published.list?.said.document.sha256}.json`)
        : await readWhole(flags.list, MAX_LIST_BYTES);
    const checks = [
      journalCheck(journal),
      ...(flags.head === undefined ? [] : [headCheck(journal, flags.head)]),
      listCheck(journal, published.list?.said ?? null, bytes),
      ...(published.list === null
        ? []
        : [openSignupCheck(published.list.said, office.openSignupBytes(published.list.said))]),
    ];
    const status = worst(checks.map((check) => check.status));
    const result = {
      target: journal.ledger.mediator?.id ?? null,
      status,
      summary:
        status === 'ok'
          ? `The list follows from the journal and its ${journal.deeds.length} lines.`
          : checks
              .filter((check) => check.status !== 'ok')
              .map(({ message }) => message)
              .join(' '),
      checks,
      mediator: journal.ledger.mediator?.id ?? '',
      lines: journal.deeds.length,
      head: headOf(journal)?.sha256 ?? '',
      list: published.list?.said.version ?? null,
    };
    return this.emit(result, renderFindings);
  }
}
