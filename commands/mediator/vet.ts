import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { actorFlags, actorOf, allowed, answer, answerYesNo, Office } from '../../src/cli/mediator.ts';
import { actResult } from '../../src/cli/mediator-act.ts';
import { vetEntry, vettingFlags, vettingResolvers } from '../../src/cli/mediator-vetting.ts';
import { renderAct } from '../../src/cli/render/mediator.ts';
import { openSignupOf } from '../../src/cli/trust-sources.ts';
import { AppError, ExitCode } from '../../src/errors.ts';
import { type Evidence, LEVELS, type Level } from '../../src/mediator/acts.ts';
import { entryOf } from '../../src/mediator/ledger.ts';
import { companyCheck, evidenceOf, problemsOf } from '../../src/mediator/vetting.ts';
import { worst } from '../../src/report.ts';
import type { MediatorActResult } from '../../src/schema/mediator.ts';

export default class MediatorVet extends BaseCommand {
  static override summary = 'Vet a company: ask the DNS about its domains, and note what you made sure of.';
  static override description =
    'Looks at the challenge, DMARC, DKIM keys, lists of open sign-up, public suffixes and other entries. What was seen is ' +
    'kept in the journal, together with what you made sure of by other ways. Critical: something keeps it from being ' +
    'approved; unknown: something could not be told, which keeps it, too.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> example-bank --level organization --single-company --evidence "register=CH-000.0.000.000-0" --evidence "phone=called back" --selector s1 --actor "Ann Checker"',
  ];
  static override args = {
    entry: Args.string({ description: 'Identifier of the entry.', required: true, ignoreStdin: true }),
  };
  static override flags = {
    ...withEnvironment({
      level: Flags.option({ summary: 'What you made sure of.', options: LEVELS })(),
      'single-company': Flags.boolean({
        summary: 'The domains are the company’s alone: nobody else gets addresses there.',
        allowNo: true,
      }),
      evidence: Flags.string({
        summary: 'What you saw or were told, as KIND=TEXT; several may be given.',
        multiple: true,
        multipleNonGreedy: true,
        helpValue: 'KIND=TEXT',
      }),
    }),
    ...actorFlags,
    ...vettingFlags,
  };

  override async run(): Promise<MediatorActResult> {
    const { args, flags } = await this.parse(MediatorVet);
    const actor = await actorOf(flags.actor, this.mayAsk);
    const evidence = (flags.evidence ?? []).map(readEvidence);
    const { level, singleCompany } = await this.judgement(flags.level, flags['single-company']);
    const office = new Office(flags.folder);
    const nowMs = Date.now();
    const { resolvers, finish } = await vettingResolvers(flags, this.signal);
    try {
      const result = await office.alone(async () => {
        const journal = office.journal();
        const entry = allowed(() => entryOf(journal.ledger, args.entry));
        const world = {
          resolvers,
          selectors: flags.selector ?? [],
          nowMs,
          openSignup: openSignupOf(this.config.root, office.openSignup(journal.ledger)),
        };
        const checks = [...(await vetEntry(entry, journal.ledger, world)), companyCheck(singleCompany)];
        const problems = problemsOf(checks);
        const all = [...evidence, ...evidenceOf(checks)];
        const act = {
          kind: 'vet',
          entry: args.entry,
          level,
          singleCompany,
          evidence: all,
          problems,
        } as const;
        const { ledger } = office.note(journal, [act], actor, nowMs);
        const base = actResult(ledger, actor, args.entry, summaryOf(entry.proposal.name, problems), checks);
        return { ...base, status: worst(checks.map(({ status }) => status)) };
      });
      return this.emit(result, renderAct);
    } finally {
      finish();
    }
  }

  /** What only a person can say. */
  private async judgement(level: Level | undefined, single: boolean | undefined) {
    const message = `What did you make sure of (${LEVELS.join(', ')})?`;
    const text = await answer(level, { message, flag: 'level' }, this.mayAsk);
    const known = LEVELS.find((each) => each === text);
    if (known === undefined)
      throw new AppError(`'${text}' is none of ${LEVELS.join(', ')}.`, {
        code: 'E_USAGE',
        exit: ExitCode.usage,
      });
    const question = { message: 'Are the domains this company’s alone?', flag: 'single-company' };
    return { level: known, singleCompany: await answerYesNo(single, question, this.mayAsk) };
  }
}

function readEvidence(text: string): Evidence {
  const equals = text.indexOf('=');
  if (equals > 0 && equals < text.length - 1)
    return { kind: text.slice(0, equals).trim(), text: text.slice(equals + 1).trim() };
  throw new AppError(`--evidence: '${text}' is not KIND=TEXT.`, {
    code: 'E_USAGE',
    exit: ExitCode.usage,
    hint: 'Write it as register=CH-000.0.000.000-0.',
  });
}

function summaryOf(name: string, problems: readonly string[]): string {
  return problems.length === 0
    ? `${name} is vetted; a second person may approve it.`
    : `${name} cannot be approved: ${problems.join(', ')}.`;
}
