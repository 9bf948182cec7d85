import { BaseCommand } from '../../src/cli/base.ts';
import { mediatorFlags, Office } from '../../src/cli/mediator.ts';
import { vetEntry, vettingFlags, vettingResolvers } from '../../src/cli/mediator-vetting.ts';
import { renderFindings } from '../../src/cli/render/mediator.ts';
import { openSignupOf } from '../../src/cli/trust-sources.ts';
import { entryCheck, entryView } from '../../src/mediator/view.ts';
import { watchDomain } from '../../src/mediator/watching.ts';
import { worst } from '../../src/report.ts';
import type { MediatorWatchResult } from '../../src/schema/mediator.ts';

export default class MediatorWatch extends BaseCommand {
  static override summary = 'Vet every entry again without noting it, and tell what got worse.';
  static override description =
    'For a timer: one result an entry that is vouched for. Critical: what would keep it from being approved today, such ' +
    'as a weakened DMARC policy, or another company of the list whose domain looks the same; warning: its term ends soon, ' +
    'somebody holds a name that looks like its own, its mail goes to a free provider, it declines to have a logo ' +
    'shown. The challenge need not be published any more.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --format jsonl',
  ];
  static override several = true;
  static override flags = { ...mediatorFlags, ...vettingFlags };

  override async run(): Promise<readonly MediatorWatchResult[]> {
    const { flags } = await this.parse(MediatorWatch);
    const office = new Office(flags.folder);
    const { ledger } = office.journal();
    const { resolvers, finish } = await vettingResolvers(flags, this.signal);
    const openSignup = openSignupOf(this.config.root, office.openSignup(ledger));
    const nowMs = Date.now();
    const world = { resolvers, selectors: flags.selector ?? [], nowMs, openSignup };
    const active = [...ledger.entries.values()].filter(({ status }) => status === 'active');
    try {
      return await this.each(
        active,
        { parallel: 4, ordered: true },
        async (entry) => {
          const seen = await vetEntry(entry, ledger, world);
          const watched = await Promise.all(
            entry.proposal.domains.map(({ domain }) =>
              watchDomain(domain, entry, ledger, resolvers[0], openSignup),
            ),
          );
          const asked = seen.filter(({ id }) => id !== 'vetting.challenge');
          const checks = [entryCheck(entry, nowMs), ...asked, ...watched.flat()];
          const bad = checks.filter(({ status }) => status !== 'ok');
          const { id, name } = entry.proposal;
          return {
            target: id,
            status: worst(checks.map(({ status }) => status)),
            summary:
              bad.length === 0
                ? `${name} is as it should be.`
                : `${name}: ${bad.map(({ message }) => message).join(' ')}`,
            checks,
            mediator: ledger.mediator?.id ?? '',
            entry: entryView(entry, ledger),
          };
        },
        renderFindings,
        ({ proposal }) => proposal.id,
      );
    } finally {
      finish();
    }
  }
}
