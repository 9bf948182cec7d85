import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { actorFlags, actorOf, answer } from '../../src/cli/mediator.ts';
import { actOnEntry } from '../../src/cli/mediator-act.ts';
import { renderAct } from '../../src/cli/render/mediator.ts';
import type { MediatorActResult } from '../../src/schema/mediator.ts';

export default class MediatorSuspend extends BaseCommand {
  static override summary = 'Vouch for a company no longer, until it is renewed.';
  static override description =
    'For readers it is as if it were revoked, once the next list is signed and published. To take it back: vet it anew, ' +
    'and let a second person renew it.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> example-bank --reason "key lost" --actor "Ann Checker"',
  ];
  static override args = {
    entry: Args.string({ description: 'Identifier of the entry.', required: true, ignoreStdin: true }),
  };
  static override flags = {
    ...withEnvironment({
      reason: Flags.string({ summary: 'Why; readers are told.', helpValue: 'TEXT' }),
    }),
    ...actorFlags,
  };

  override async run(): Promise<MediatorActResult> {
    const { args, flags } = await this.parse(MediatorSuspend);
    const reason = await answer(
      flags.reason,
      { message: 'Why? Readers are told:', flag: 'reason' },
      this.mayAsk,
    );
    const actor = await actorOf(flags.actor, this.mayAsk);
    const act = { kind: 'suspend', entry: args.entry, reason } as const;
    const summary = `${args.entry} is suspended. Next: postern mediator sign, then publish.`;
    return this.emit(await actOnEntry(flags.folder, actor, args.entry, { act, summary }), renderAct);
  }
}
