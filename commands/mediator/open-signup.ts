import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { readInput } from '../../src/cli/input.ts';
import { actorFlags, actorOf, Office } from '../../src/cli/mediator.ts';
import { renderFindings } from '../../src/cli/render/mediator.ts';
import { AppError, ExitCode } from '../../src/errors.ts';
import type { Ledger } from '../../src/mediator/ledger.ts';
import { countNew, openSignupFile } from '../../src/mediator/open-signup.ts';
import { sha256 } from '../../src/registry/keys.ts';
import type { MediatorOpenSignupResult } from '../../src/schema/mediator.ts';
import { DocumentFault } from '../../src/trust/json.ts';
import {
  MAX_NAME_FILE_BYTES,
  NAME_KINDS,
  type NameFile,
  type NameOrigin,
  openNameFile,
} from '../../src/trust/name-file.ts';
import { openSignup } from '../../src/trust/open-signup.ts';

export default class MediatorOpenSignup extends BaseCommand {
  static override summary = 'Tell readers at which domains anybody can get a mail address.';
  static override description =
    'What ships with postern grows old; readers add the names of this file to it with the next "trust sync", and mail from ' +
    'there, or from any name below, is never trusted. A mediator adds names and takes none away. The file has a domain a ' +
    'line; it takes the place of the one before, and domains that stay keep their day. A file that tells of sources itself ' +
    '(open-signup/1, as data/open-signup.txt of the package) is taken as it is.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> names.txt --source own-research --actor "Ann Checker"',
    '<%= config.bin %> <%= command.id %> throwaway.txt --kind disposable --source abuse-desk --actor "Ann Checker"',
  ];
  static override args = {
    file: Args.string({
      description: 'Domains, one a line; "-" is standard input.',
      required: true,
      ignoreStdin: true,
    }),
  };
  static override flags = {
    ...withEnvironment({
      kind: Flags.option({
        summary: 'What is given to anybody there.',
        options: NAME_KINDS,
        default: 'free-mail',
      })(),
      source: Flags.string({
        summary: 'Where that is known from, in one word.',
        default: 'mediator',
        helpValue: 'WORD',
      }),
    }),
    ...actorFlags,
  };

  override async run(): Promise<MediatorOpenSignupResult> {
    const { args, flags } = await this.parse(MediatorOpenSignup);
    const bytes = await readInput(args.file, MAX_NAME_FILE_BYTES);
    const nowMs = Date.now();
    const origin = {
      kind: flags.kind,
      date: new Date(nowMs).toISOString().slice(0, 10),
      source: word(flags.source),
      note: '',
    };
    const actor = await actorOf(flags.actor, this.mayAsk);
    const office = new Office(flags.folder);
    return this.emit(
      await office.alone(async () => {
        const journal = office.journal();
        const before = office.openSignup(journal.ledger)?.file ?? null;
        const made = read(args.file, bytes, origin, before);
        const file = openNameFile(made);
        demandNoEntry(file, journal.ledger);
        const act = { kind: 'open-signup', sha256: sha256(made), lengthBytes: made.length } as const;
        // The file first: the journal never names one that is not there.
        office.putPublic(`lists/${act.sha256}.names`, made);
        const { ledger } = office.note(journal, [act], actor, nowMs);
        return describe(ledger.mediator?.id ?? '', actor, act.sha256, { file, before });
      }),
      renderFindings,
    );
  }
}

function describe(
  mediator: string,
  actor: string,
  digest: string,
  { file, before }: { readonly file: NameFile; readonly before: NameFile | null },
): MediatorOpenSignupResult {
  const [names, added, removed] = [countNew(file, null), countNew(file, before), countNew(before, file)];
  const summary = `${names} ${names === 1 ? 'domain' : 'domains'} of open sign-up, ${added} of them new, ${removed} gone. Next: postern mediator sign, then publish.`;
  return {
    target: mediator,
    status: 'ok',
    summary,
    checks: [],
    mediator,
    actor,
    sha256: digest,
    names,
    added,
    removed,
  };
}

function word(source: string): string {
  if (/^[\w.-]{1,100}$/.test(source)) return source;
  throw new AppError(`--source: '${source}' is not one word.`, {
    code: 'E_USAGE',
    exit: ExitCode.usage,
    hint: 'Letters, digits, dots and hyphens, such as abuse-desk.',
  });
}

function read(name: string, bytes: Buffer, origin: NameOrigin, before: NameFile | null): Buffer {
  try {
    return openSignupFile(bytes, origin, before);
  } catch (error) {
    if (!(error instanceof DocumentFault)) throw error;
    throw new AppError(`'${name}': ${error.message}.`, {
      code: 'E_INPUT',
      exit: ExitCode.input,
      hint: 'A domain a line, in A-labels and lower case. Nothing was noted.',
      cause: error,
    });
  }
}

/** Nobody is vouched for and open to all. */
function demandNoEntry(file: NameFile, { entries }: Ledger): void {
  const names = openSignup([{ mediator: null, file }], { openSignup: { add: [], remove: [] } });
  for (const { proposal, status } of entries.values()) {
    const open =
      status === 'revoked'
        ? null
        : (proposal.domains.map(({ domain }) => names.find(domain)).find((each) => each !== null) ?? null);
    if (open === null) continue;
    throw new AppError(`${open.domain} is in the entry '${proposal.id}': it cannot be open to all as well.`, {
      code: 'E_ACT',
      exit: ExitCode.usage,
      hint: `Nothing was noted. If anybody can get an address there: postern mediator revoke ${proposal.id}.`,
    });
  }
}
