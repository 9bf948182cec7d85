import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../../src/cli/base.ts';
import { withEnvironment } from '../../../src/cli/flags.ts';
import { storeFlags } from '../../../src/cli/key-store.ts';
import { renderClientAct } from '../../../src/cli/render/validation.ts';
import { readSecretFile, writeSecret } from '../../../src/cli/secrets.ts';
import { actNow, withAdministration } from '../../../src/cli/validation.ts';
import { AppError, ExitCode } from '../../../src/errors.ts';
import { parseNetwork } from '../../../src/net/network.ts';
import type { ValidationClientActResult } from '../../../src/schema/validation.ts';
import { clientAct } from '../../../src/validation/views.ts';

function wrong(flag: string, text: string, hint: string): AppError {
  return new AppError(`--${flag}: '${text}' is none.`, { code: 'E_CLIENT', exit: ExitCode.usage, hint });
}

function apiKeyOf(file: string): Uint8Array {
  const text = readSecretFile(file).trim();
  const key = Buffer.from(text, 'base64');
  if (key.length >= 16 && key.toString('base64') === text) return key;
  throw new AppError(`--secret-file: '${file}' holds no API key.`, {
    code: 'E_SECRET',
    exit: ExitCode.input,
    hint: 'It is at least 16 bytes in base64, as Yubico prints it.',
  });
}

export default class ValidationClientAdd extends BaseCommand {
  static override summary = 'Let a program ask the validation server for verdicts.';
  static override description =
    'Makes the number and the API key that go into the configuration of pam_yubico, FreeRADIUS or another client. The key ' +
    'is written to a file that only you can read, and shown nowhere.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> "mail server"',
    '<%= config.bin %> <%= command.id %> vpn --network 192.0.2.0/24 --must-sign --write-key vpn.key',
    '<%= config.bin %> <%= command.id %> old --id 1851 --secret-file yubicloud.key',
  ];
  static override args = {
    label: Args.string({ description: 'What it is.', default: '', ignoreStdin: true }),
  };
  static override flags = {
    ...storeFlags,
    ...withEnvironment({
      id: Flags.integer({
        summary: 'This number instead of the next one.',
        min: 1,
        max: 4_294_967_295,
        helpValue: 'N',
      }),
      'secret-file': Flags.string({
        summary: 'Take the API key from this private file, in base64, as Yubico prints it.',
        helpValue: 'FILE',
        exclusive: ['write-key'],
      }),
      'write-key': Flags.string({
        summary: 'Write the new API key to this file; as a rule client-N.key.',
        helpValue: 'FILE',
      }),
      'must-sign': Flags.boolean({ summary: 'Refuse what is not signed with the API key.', default: false }),
      'public-id': Flags.string({
        summary: 'It may ask about public ids that begin like this; may be given several times.',
        multiple: true,
        multipleNonGreedy: true,
        helpValue: 'MODHEX',
      }),
      network: Flags.string({
        summary: 'It may ask from this address or network; may be given several times.',
        multiple: true,
        multipleNonGreedy: true,
        helpValue: 'NETWORK',
      }),
    }),
  };

  override async run(): Promise<ValidationClientActResult> {
    const { args, flags } = await this.parse(ValidationClientAdd);
    const publicIds = (flags['public-id'] ?? []).map((text) => {
      if (/^[cbdefghijklnrtuv]{1,32}$/.test(text)) return text;
      throw wrong('public-id', text, 'Give the beginning of a public id, in modhex.');
    });
    const networks = (flags.network ?? []).map((text) => {
      const network = parseNetwork(text);
      if (network) return network.text;
      throw wrong('network', text, 'Give an address, or a network such as 192.0.2.0/24.');
    });
    const given = flags['secret-file'];
    const wanted = {
      id: flags.id ?? null,
      label: args.label,
      apiKey: given === undefined ? null : apiKeyOf(given),
      mustSign: flags['must-sign'],
      publicIds,
      networks,
    };
    const result = await withAdministration(
      flags,
      (text) => this.note(text),
      async (office) => {
        let file: string | null = null;
        const { id } = await office.addClient(wanted, actNow(), (number, apiKey) => {
          if (given !== undefined) return;
          file = flags['write-key'] ?? `client-${number}.key`;
          writeSecret(file, `${Buffer.from(apiKey).toString('base64')}\n`);
        });
        return clientAct(office, id, `Client ${id} may ask for verdicts.`, file);
      },
    );
    return this.emit(result, renderClientAct);
  }
}
