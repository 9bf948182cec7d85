import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../src/cli/base.ts';
import { readInput } from '../../src/cli/input.ts';
import { actorFlags, actorOf, allowed, Office } from '../../src/cli/mediator.ts';
import { actOnEntry } from '../../src/cli/mediator-act.ts';
import { renderAct } from '../../src/cli/render/mediator.ts';
import { AppError, ExitCode } from '../../src/errors.ts';
import { entryOf } from '../../src/mediator/ledger.ts';
import { keptLogoName } from '../../src/registry/logos.ts';
import type { MediatorActResult } from '../../src/schema/mediator.ts';
import { MAX_LOGO, type PreparedLogo, prepareLogo } from '../../src/view/logo.ts';

export default class MediatorLogo extends BaseCommand {
  static override summary = 'Give a company the logo that stands beside its name.';
  static override description =
    'Takes an SVG of the profile that BIMI asks for (SVG Tiny PS), or a PNG of at most 1024 pixels on a side, at most ' +
    '32 KiB. An SVG is written anew from shapes and paint; with anything else in it, such as scripts or references to ' +
    'other files, it is refused. The list names the logo by its digest, and readers show no other.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> example-bank logo.svg --actor "Ann Checker"',
  ];
  static override args = {
    entry: Args.string({ description: 'Identifier of the entry.', required: true, ignoreStdin: true }),
    file: Args.string({
      description: 'The logo; "-" is standard input.',
      required: true,
      ignoreStdin: true,
    }),
  };
  static override flags = { ...actorFlags };

  override async run(): Promise<MediatorActResult> {
    const { args, flags } = await this.parse(MediatorLogo);
    const { bytes, mediaType, sha256 } = accepted(
      args.file,
      prepareLogo(await readInput(args.file, MAX_LOGO + 1)),
    );
    const actor = await actorOf(flags.actor, this.mayAsk);
    const office = new Office(flags.folder);
    const { ledger } = office.journal();
    allowed(() => entryOf(ledger, args.entry));
    // The file first: the journal never names one that is not there.
    office.putPublic(`lists/${keptLogoName({ mediaType, sha256 })}`, bytes);
    const act = { kind: 'logo', entry: args.entry, mediaType, sha256 } as const;
    const summary = `${args.entry} has a logo. Next: postern mediator sign, then publish.`;
    return this.emit(await actOnEntry(flags.folder, actor, args.entry, { act, summary }), renderAct);
  }
}

function accepted(file: string, logo: PreparedLogo): PreparedLogo & { readonly kind: 'ready' } {
  if (logo.kind === 'ready') return logo;
  throw new AppError(`The logo '${file}' ${logo.reason}.`, {
    code: 'E_LOGO',
    exit: ExitCode.input,
    hint: 'Nothing was noted. Ask the company for the SVG that it made for BIMI (SVG Tiny PS).',
  });
}
