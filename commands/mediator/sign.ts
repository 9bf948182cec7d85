import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { readWhole } from '../../src/cli/input.ts';
import { actorFlags, actorOf, Office, readKey } from '../../src/cli/mediator.ts';
import { signPublication } from '../../src/cli/mediator-signing.ts';
import { renderFindings } from '../../src/cli/render/mediator.ts';
import { AppError, ExitCode } from '../../src/errors.ts';
import {
  type Envelope,
  MAX_ENVELOPE_BYTES,
  readEnvelope,
  signEnvelope,
  writeEnvelope,
} from '../../src/registry/envelope.ts';
import { readIfThere, replaceFile } from '../../src/registry/files.ts';
import type { MediatorSignResult } from '../../src/schema/mediator.ts';
import { DocumentFault } from '../../src/trust/json.ts';

export default class MediatorSign extends BaseCommand {
  static override summary =
    'Sign the list, if it has changed, and a pointer that says that it is the current one.';
  static override description =
    'Signs with the keys of the folder. A list that needs more signatures waits: --export writes it to a file, --countersign ' +
    'adds a signature to that file on another machine, --import brings it back. The pointer is good for a day, so run ' +
    'this and publish from a timer. Warning: signatures are missing.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --actor timer',
    '<%= config.bin %> <%= command.id %> --export list.json --actor "Ann Checker"',
    '<%= config.bin %> <%= command.id %> --countersign list.json --key list-key.pem',
    '<%= config.bin %> <%= command.id %> --import list.json --actor "Ann Checker"',
  ];
  static override flags = {
    ...withEnvironment({
      key: Flags.string({
        summary: 'Sign with the key in this file, too; several may be given.',
        multiple: true,
        multipleNonGreedy: true,
        helpValue: 'FILE',
      }),
      export: Flags.string({
        summary: 'Write the list that waits for signatures to this file.',
        helpValue: 'FILE',
      }),
      import: Flags.string({
        summary: 'Take over the signatures in this file; several may be given.',
        multiple: true,
        multipleNonGreedy: true,
        helpValue: 'FILE',
      }),
      countersign: Flags.string({
        summary: 'Only add a signature with --key to this file.',
        helpValue: 'FILE',
        dependsOn: ['key'],
        exclusive: ['export', 'import'],
      }),
    }),
    ...actorFlags,
  };

  override async run(): Promise<MediatorSignResult> {
    const { flags } = await this.parse(MediatorSign);
    const keys = (flags.key ?? []).map(readKey);
    if (flags.countersign !== undefined)
      return this.emit(await countersign(flags.countersign, keys), renderFindings);
    const actor = await actorOf(flags.actor, this.mayAsk);
    const brought = await Promise.all((flags.import ?? []).map(readSigned));
    const office = new Office(flags.folder);
    const result = await office.alone(async () => {
      const made = signPublication({ office, actor, nowMs: Date.now(), keys, brought });
      const pending = readIfThere(office.pendingFile, MAX_ENVELOPE_BYTES);
      const exported = flags.export !== undefined && pending !== null ? flags.export : null;
      if (exported !== null && pending !== null) replaceFile(exported, pending, 0o644);
      const { list, pointer, newList, missing } = made;
      return {
        target: made.journal.ledger.mediator?.id ?? null,
        status: missing > 0 ? ('warn' as const) : ('ok' as const),
        summary:
          missing > 0
            ? `A new list waits for ${missing} more ${missing === 1 ? 'signature' : 'signatures'}; nothing changed for readers.`
            : `${newList ? 'List' : 'No change: list'} ${list} and pointer ${pointer} are signed. Next: postern mediator publish DIR.`,
        checks: [],
        mediator: made.journal.ledger.mediator?.id ?? '',
        list,
        pointer,
        newList,
        missing,
        exported,
      };
    });
    return this.emit(result, renderFindings);
  }
}

async function readSigned(file: string): Promise<Envelope> {
  const bytes = await readWhole(file, MAX_ENVELOPE_BYTES);
  try {
    return readEnvelope(bytes);
  } catch (error) {
    if (!(error instanceof DocumentFault)) throw error;
    throw new AppError(`'${file}' is no list to sign: ${error.message}.`, {
      code: 'E_INPUT',
      exit: ExitCode.input,
      hint: 'It is the file that --export wrote.',
      cause: error,
    });
  }
}

/** On the machine with the other key there is no journal; what is signed can be read in the file. */
async function countersign(
  file: string,
  keys: readonly Parameters<typeof signEnvelope>[1][],
): Promise<MediatorSignResult> {
  const envelope = keys.reduce(signEnvelope, await readSigned(file));
  replaceFile(file, writeEnvelope(envelope), 0o644);
  const { mediator = '', version = 0 } = JSON.parse(envelope.payload.toString('utf8')) as {
    mediator?: string;
    version?: number;
  };
  const summary = `List ${version} of ${mediator} has ${envelope.signatures.length} signatures now.`;
  const nothing = { pointer: 0, newList: false, missing: 0, exported: file };
  return { target: mediator, status: 'ok', summary, checks: [], mediator, list: version, ...nothing };
}
