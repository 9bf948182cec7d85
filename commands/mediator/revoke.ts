import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { actorFlags, actorOf, answer, Office } from '../../src/cli/mediator.ts';
import { actResult } from '../../src/cli/mediator-act.ts';
import { signPublication } from '../../src/cli/mediator-signing.ts';
import { renderAct } from '../../src/cli/render/mediator.ts';
import type { MediatorRevokeResult } from '../../src/schema/mediator.ts';

export default class MediatorRevoke extends BaseCommand {
  static override summary = 'Take back that a company is vouched for, for good.';
  static override description =
    'Readers stop trusting it with the next list that they fetch, and without one when the pointer that they hold ' +
    'expires, within a day. --now signs list and pointer at once; then publish.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> example-bank --reason "domain was sold" --now --actor "Ann Checker"',
  ];
  static override args = {
    entry: Args.string({ description: 'Identifier of the entry.', required: true, ignoreStdin: true }),
  };
  static override flags = {
    ...withEnvironment({
      reason: Flags.string({ summary: 'Why; readers are told.', helpValue: 'TEXT' }),
      now: Flags.boolean({ summary: 'Sign list and pointer at once.' }),
    }),
    ...actorFlags,
  };

  override async run(): Promise<MediatorRevokeResult> {
    const { args, flags } = await this.parse(MediatorRevoke);
    const reason = await answer(
      flags.reason,
      { message: 'Why? Readers are told:', flag: 'reason' },
      this.mayAsk,
    );
    const actor = await actorOf(flags.actor, this.mayAsk);
    const office = new Office(flags.folder);
    const nowMs = Date.now();
    const result = await office.alone(async () => {
      const act = { kind: 'revoke', entry: args.entry, reason } as const;
      const { ledger } = office.note(office.journal(), [act], actor, nowMs);
      const made = flags.now ? signPublication({ office, actor, nowMs }) : null;
      const next = made === null ? 'postern mediator sign, then publish' : 'postern mediator publish DIR';
      const base = actResult(ledger, actor, args.entry, `${args.entry} is revoked. Next: ${next}.`, []);
      if (made === null) return { ...base, signed: null };
      const { list, pointer, newList, missing } = made;
      const status = missing > 0 ? ('warn' as const) : base.status;
      return { ...base, status, signed: { list, pointer, newList, missing } };
    });
    return this.emit(result, renderAct);
  }
}
