import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { actorFlags, actorOf, answer } from '../../src/cli/mediator.ts';
import { actOnEntry } from '../../src/cli/mediator-act.ts';
import { renderAct } from '../../src/cli/render/mediator.ts';
import { domainArgument } from '../../src/cli/targets.ts';
import { AppError, ExitCode } from '../../src/errors.ts';
import { type Proposal, proposalFrom } from '../../src/mediator/acts.ts';
import type { MediatorActResult } from '../../src/schema/mediator.ts';
import { DocumentFault } from '../../src/trust/json.ts';

export default class MediatorAdd extends BaseCommand {
  static override summary = 'Note a company that wants to be vouched for.';
  static override description =
    'Nothing is published of it before one person has vetted it and another has approved. As long as it is only proposed, ' +
    'adding it again changes it.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> example-bank bank.example --name "Example Bank" --country CH --type transaction --actor "Ann Checker"',
  ];
  static override strict = false;
  static override args = {
    entry: Args.string({
      description: 'Identifier for the entry, made up by you, such as example-bank.',
      required: true,
      ignoreStdin: true,
    }),
    domain: Args.string({
      description: 'Domain of the company, or several.',
      required: true,
      ignoreStdin: true,
    }),
  };
  static override flags = {
    ...withEnvironment({
      name: Flags.string({ summary: 'Name of the company, as readers are to see it.', helpValue: 'NAME' }),
      'legal-name': Flags.string({ summary: 'Name in the register of companies.', helpValue: 'NAME' }),
      country: Flags.string({ summary: 'Country, two capital letters (ISO 3166-1).', helpValue: 'CC' }),
      registration: Flags.string({ summary: 'Number in the register of companies.', helpValue: 'NUMBER' }),
      website: Flags.string({ summary: 'Web site, https.', helpValue: 'URL' }),
      alias: Flags.string({
        summary: 'Another name that readers know it by; several may be given.',
        multiple: true,
        multipleNonGreedy: true,
        helpValue: 'NAME',
      }),
      type: Flags.option({
        summary: 'Kind of mail that is vouched for (RFC 5518); several may be given.',
        options: ['all', 'transaction', 'list'] as const,
        multiple: true,
        multipleNonGreedy: true,
      })(),
      subdomains: Flags.boolean({ summary: 'Vouch for names below the domains, too.' }),
    }),
    ...actorFlags,
  };

  override async run(): Promise<MediatorActResult> {
    const { args, argv, flags } = await this.parse(MediatorAdd);
    const name = await answer(flags.name, { message: 'Name of the company:', flag: 'name' }, this.mayAsk);
    const actor = await actorOf(flags.actor, this.mayAsk);
    const domains = (argv as string[]).slice(1).map((text) => ({
      domain: domainArgument(text),
      includeSubdomains: flags.subdomains === true,
    }));
    const proposal = proposed({
      id: args.entry,
      name,
      legalName: flags['legal-name'],
      country: flags.country,
      registration: flags.registration,
      website: flags.website,
      domains,
      aliases: flags.alias ?? [],
      mailTypes: flags.type ?? ['all'],
    });
    const summary = `${name} is noted. Next: postern mediator challenge ${domains[0]?.domain}, then vet.`;
    const result = await actOnEntry(flags.folder, actor, args.entry, {
      act: { kind: 'add', proposal },
      summary,
    });
    return this.emit(result, renderAct);
  }
}

function proposed(value: object): Proposal {
  try {
    return proposalFrom(value);
  } catch (error) {
    if (!(error instanceof DocumentFault)) throw error;
    throw new AppError(`That cannot be noted: ${error.message}.`, {
      code: 'E_USAGE',
      exit: ExitCode.usage,
      hint: 'See postern mediator add --help.',
      cause: error,
    });
  }
}
