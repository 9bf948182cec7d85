import { randomBytes } from 'node:crypto';
import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../src/cli/base.ts';
import { actorFlags, actorOf, Office } from '../../src/cli/mediator.ts';
import { renderChallenge } from '../../src/cli/render/mediator.ts';
import { domainArgument } from '../../src/cli/targets.ts';
import { challengeName } from '../../src/mediator/vetting.ts';
import type { MediatorChallengeResult } from '../../src/schema/mediator.ts';

export default class MediatorChallenge extends BaseCommand {
  static override summary = 'Make the TXT record with which a company shows that it controls a domain.';
  static override description =
    'Give the record to the company, over a way on which you have met it. Vetting looks for it through two resolvers. A new ' +
    'challenge takes the place of the one before.';
  static override examples = ['<%= config.bin %> <%= command.id %> bank.example --actor "Ann Checker"'];
  static override args = {
    domain: Args.string({ description: 'Domain of the company.', required: true, ignoreStdin: true }),
  };
  static override flags = actorFlags;

  override async run(): Promise<MediatorChallengeResult> {
    const { args, flags } = await this.parse(MediatorChallenge);
    const domain = domainArgument(args.domain);
    const actor = await actorOf(flags.actor, this.mayAsk);
    const office = new Office(flags.folder);
    const name = challengeName(domain);
    const value = `trust-challenge=${randomBytes(20).toString('base64url')}`;
    const { ledger } = await office.alone(async () =>
      office.note(office.journal(), [{ kind: 'challenge', domain, value }], actor, Date.now()),
    );
    const result = {
      target: domain,
      status: 'ok',
      summary: `Whoever publishes this controls ${domain}.`,
      checks: [],
      mediator: ledger.mediator?.id ?? '',
      actor,
      name,
      value,
      record: `${name}. TXT "${value}"`,
    } as const;
    return this.emit(result, renderChallenge);
  }
}
