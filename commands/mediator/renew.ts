import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { actorFlags, actorOf } from '../../src/cli/mediator.ts';
import { actOnEntry } from '../../src/cli/mediator-act.ts';
import { confirmEntry, termFlag, untilMs } from '../../src/cli/mediator-approval.ts';
import { renderAct } from '../../src/cli/render/mediator.ts';
import type { MediatorActResult } from '../../src/schema/mediator.ts';

export default class MediatorRenew extends BaseCommand {
  static override summary = 'Vouch for a company for another term, or again.';
  static override description =
    'Like approve, for an entry that is active or suspended: one person vets it anew, another one renews it.';
  static override examples = ['<%= config.bin %> <%= command.id %> example-bank --actor "Ben Second" --yes'];
  static override args = {
    entry: Args.string({ description: 'Identifier of the entry.', required: true, ignoreStdin: true }),
  };
  static override flags = {
    ...termFlag,
    yes: Flags.boolean({ summary: 'The record of the vetting was read; do not ask.' }),
    ...actorFlags,
  };

  override async run(): Promise<MediatorActResult> {
    const { args, flags } = await this.parse(MediatorRenew);
    const actor = await actorOf(flags.actor, this.mayAsk);
    await confirmEntry(flags.folder, args.entry, flags.yes, this.mayAsk, (text) => this.note(text));
    const act = { kind: 'renew', entry: args.entry, validUntilMs: untilMs(flags.days) } as const;
    const summary = `${args.entry} is vouched for again. Next: postern mediator sign, then publish.`;
    return this.emit(await actOnEntry(flags.folder, actor, args.entry, { act, summary }), renderAct);
  }
}
