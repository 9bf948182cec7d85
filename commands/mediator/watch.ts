import * as Flags from '@oclif/core/flags';
import { BaseCommand, judgeTime } from '../../src/cli/base.ts';
import { duration, laboratoryFlags, withEnvironment } from '../../src/cli/flags.ts';
import { mediatorFlags, Office } from '../../src/cli/mediator.ts';
import { vetEntry, vettingFlags, vettingResolvers } from '../../src/cli/mediator-vetting.ts';
import { readPem } from '../../src/cli/open-dns.ts';
import { openRegistrations } from '../../src/cli/registrations.ts';
import { renderFindings } from '../../src/cli/render/mediator.ts';
import { openSignupOf } from '../../src/cli/trust-sources.ts';
import { entryCheck, entryView } from '../../src/mediator/view.ts';
import { watchDomain, weakenedPolicy } from '../../src/mediator/watching.ts';
import { isPublicAddress } from '../../src/net/https.ts';
import { worst } from '../../src/report.ts';
import type { MediatorWatchResult } from '../../src/schema/mediator.ts';

export default class MediatorWatch extends BaseCommand {
  static override summary = 'Vet every entry again without noting it, and tell what got worse.';
  static override description =
    'For a timer: one result an entry that is vouched for. Critical: what would keep it from being approved today, such ' +
    'as a DMARC policy that is gone, another company of the list whose domain looks the same, or a registration that is about ' +
    'to end; warning: a policy that was stricter, its term ends soon, somebody holds a name that looks like its own, its mail ' +
    'goes to a free provider, it declines to have a logo shown. Until when a domain is registered is asked with --rdap, else ' +
    'taken from what the vetter noted (--evidence registration-expires=2027-03-31). The challenge need not be published ' +
    'any more.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --rdap https://rdap.example.org/',
    '<%= config.bin %> <%= command.id %> --format jsonl',
  ];
  static override several = true;
  static override flags = {
    ...withEnvironment({
      rdap: Flags.string({
        summary:
          'Ask this registry until when domains are registered: its URL, the list of registries (…/dns.json), or a file with ' +
          'an answer; several may be given.',
        multiple: true,
        multipleNonGreedy: true,
        helpValue: 'SOURCE',
      }),
      'timeout-https': duration({
        summary: 'Wait for one answer of a registry.',
        default: 15_000,
        helpGroup: 'TIME-OUT',
      }),
    }),
    ...mediatorFlags,
    ...vettingFlags,
    ...laboratoryFlags,
  };

  override async run(): Promise<readonly MediatorWatchResult[]> {
    const { flags } = await this.parse(MediatorWatch);
    const office = new Office(flags.folder);
    const { ledger } = office.journal();
    const { resolvers, finish } = await vettingResolvers(flags, this.signal);
    const openSignup = openSignupOf(this.config.root, office.openSignup(ledger));
    const nowMs = judgeTime(flags['as-of']);
    const world = { resolvers, selectors: flags.selector ?? [], nowMs, openSignup };
    const active = [...ledger.entries.values()].filter(({ status }) => status === 'active');
    try {
      const registrations = await openRegistrations(flags.rdap ?? [], {
        dns: resolvers[0],
        ...(flags.ca !== undefined && { ca: readPem(flags.ca) }),
        admits: flags['allow-private'] ? () => true : isPublicAddress,
        offline: flags.offline,
        connectMs: flags['timeout-https'],
        totalMs: flags['timeout-https'],
        signal: this.signal,
      });
      return await this.each(
        active,
        { parallel: 4, ordered: true },
        async (entry) => {
          const seen = await vetEntry(entry, ledger, world);
          const watched = await Promise.all(
            entry.proposal.domains.map(({ domain }) =>
              watchDomain(domain, entry, ledger, { dns: resolvers[0], openSignup, registrations, nowMs }),
            ),
          );
          const asked = seen.filter(({ id }) => id !== 'vetting.challenge');
          const weakened = weakenedPolicy(entry, asked);
          const checks = [entryCheck(entry, nowMs), ...asked, ...weakened, ...watched.flat()];
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
