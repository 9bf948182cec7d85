import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { readWhole } from '../../src/cli/input.ts';
import { storeFlags, withStores, withStoresIfAny } from '../../src/cli/key-store.ts';
import { renderImport } from '../../src/cli/render/validation-transfer.ts';
import { readSecretFile } from '../../src/cli/secrets.ts';
import { recorderOf } from '../../src/cli/validation.ts';
import { AppError, ExitCode } from '../../src/errors.ts';
import type { ServedKeys } from '../../src/keys/served.ts';
import { adopt } from '../../src/keys/transfer/adopt.ts';
import { ageLines, decryptAge, isAge } from '../../src/keys/transfer/age.ts';
import { type Found, MAX_FILE_BYTES } from '../../src/keys/transfer/entry.ts';
import type { PskcKey } from '../../src/keys/transfer/pskc-secret.ts';
import { isSqlite, readKeys } from '../../src/keys/transfer/read.ts';
import { importResult } from '../../src/keys/transfer/report.ts';
import type { ValidationImportResult } from '../../src/schema/validation-transfer.ts';

/** Most OTPs that are given as proof, in bytes of their file. */
const MAX_PROOF_BYTES = 16 * 1024 * 1024;

type ImportFlags = Awaited<ReturnType<ValidationImport['read']>>['flags'];

export default class ValidationImport extends BaseCommand {
  static override summary = 'Take over the keys of another validation server, or of a desk.';
  static override description =
    'The format is found out: databases and dumps of yubikey-val, yubikey-ksm and yubiserver, CSV of ykman, the ' +
    'personalization GUI, yubikey-ksm and privacyIDEA, PSKC (RFC 6030), records of "yubikey program --record-to". Counters ' +
    'go up only, secrets are never replaced, and the same may be imported again at any time.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> ksm.sqlite val.sqlite --dry-run',
    '<%= config.bin %> <%= command.id %> key.age --identity-file server.key',
    '<%= config.bin %> <%= command.id %> keys.csv --prove otps.txt',
  ];
  static override strict = false;
  static override targets = 'file' as const;
  static override args = {
    file: Args.string({ description: 'Files; those of secrets and of counters together.', required: true }),
  };
  static override flags = {
    ...storeFlags,
    ...withEnvironment({
      'dry-run': Flags.boolean({
        summary: 'Tell what would be taken over, and change nothing.',
        default: false,
      }),
      'identity-file': Flags.string({
        summary: 'Open files that are encrypted with age with the identities in this one.',
        helpValue: 'FILE',
      }),
      'pskc-key-file': Flags.string({
        summary: 'Open an encrypted key container with the key in this file, in hexadecimal.',
        helpValue: 'FILE',
        exclusive: ['pskc-passphrase-file'],
      }),
      'pskc-passphrase-file': Flags.string({
        summary: 'Open an encrypted key container with the passphrase in this file.',
        helpValue: 'FILE',
      }),
      prove: Flags.string({
        summary:
          'OTPs, one a line and one of each key ("-" is standard input: touch one key after the other): one that does not decrypt stops the import.',
        helpValue: 'FILE',
      }),
      'require-proof': Flags.boolean({
        summary: 'Take no OTPs of keys that were not proven, until they are.',
        default: false,
      }),
    }),
  };

  private async read() {
    const { flags, argv } = await this.parse(ValidationImport);
    return { flags, files: argv.map(String) };
  }

  override async run(): Promise<ValidationImportResult> {
    const { flags, files } = await this.read();
    const pskcKey = readPskcKey(flags);
    const found: { file: string; found: Found }[] = [];
    for (const file of files) found.push({ file, found: await this.open(file, flags, pskcKey) });
    const otps = await readProof(flags.prove);
    const entries = found.flatMap((each) => each.found.entries);
    const work = (keys: ServedKeys | undefined) =>
      adopt(keys, entries, otps, {
        nowMs: Date.now(),
        dryRun: flags['dry-run'],
        requireProof: flags['require-proof'],
      });
    const adopted = flags['dry-run']
      ? await withStoresIfAny(flags, (stores) => work(stores?.keys))
      : await withStores(
          flags,
          (text) => this.note(text),
          async (stores) => {
            const taken = await work(stores.keys);
            const number = (wanted: string) => taken.keys.filter(({ outcome }) => outcome === wanted).length;
            const [added, updated] = [number('added'), number('updated')];
            if (added + updated > 0)
              await recorderOf(stores)(
                'key import',
                `${added} added, ${updated} updated: ${files.join(' ')}`,
              );
            return taken;
          },
        );
    return this.emit(importResult(found, adopted, flags['dry-run']), renderImport);
  }

  private async open(file: string, flags: ImportFlags, pskcKey: PskcKey | undefined): Promise<Found> {
    const bytes = await readWhole(file, MAX_FILE_BYTES);
    if (!isAge(bytes)) return readKeys(bytes, file, pskcKey);
    const plain = await decryptAge(bytes, ageLines(readIdentities(flags['identity-file'], file)), file);
    if (!isSqlite(plain)) return readKeys(plain, file, pskcKey);
    throw new AppError(`'${file}' is a database inside an age file.`, {
      code: 'E_IMPORT',
      exit: ExitCode.input,
      hint: 'Decrypt it into a folder that only you can read, and import it from there.',
    });
  }
}

function readIdentities(identityFile: string | undefined, file: string): string {
  if (identityFile !== undefined) return readSecretFile(identityFile);
  throw new AppError(`'${file}' is encrypted with age.`, {
    code: 'E_IDENTITY',
    exit: ExitCode.usage,
    hint: 'Give the identity of one of its recipients with --identity-file.',
  });
}

function readPskcKey(flags: ImportFlags): PskcKey | undefined {
  const passphrase = flags['pskc-passphrase-file'];
  if (passphrase !== undefined) return { passphrase: readSecretFile(passphrase) };
  const file = flags['pskc-key-file'];
  if (file === undefined) return undefined;
  const text = readSecretFile(file).trim();
  const key = Buffer.from(text, 'hex');
  if (key.length * 2 === text.length && [16, 24, 32].includes(key.length)) return { key };
  throw new AppError(`--pskc-key-file: what is in '${file}' is no key.`, {
    code: 'E_SECRET',
    exit: ExitCode.usage,
    hint: 'It has 32, 48 or 64 hexadecimal digits.',
  });
}

async function readProof(file: string | undefined): Promise<string[]> {
  if (file === undefined) return [];
  const text = (await readWhole(file, MAX_PROOF_BYTES)).toString('utf8');
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
