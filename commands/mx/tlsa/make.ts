import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../../src/cli/base.ts';
import { withEnvironment } from '../../../src/cli/flags.ts';
import { readWhole } from '../../../src/cli/input.ts';
import { renderTlsaMake } from '../../../src/cli/render/tlsa.ts';
import { hostNames, readPem, recordsFor } from '../../../src/dane/certificates.ts';
import { tlsaText } from '../../../src/dane/tlsa.ts';
import { parseDomain } from '../../../src/dns/names.ts';
import { AppError, ExitCode } from '../../../src/errors.ts';
import type { MxTlsaMakeResult } from '../../../src/schema/mx-tlsa.ts';

/** Largest file of certificates, in bytes. */
const MAX_PEM = 1_000_000;

function hostName(text: string): string {
  const name = parseDomain(text);
  if (name.kind === 'name') return name.ascii;
  throw new AppError(`--host: '${text}' ${name.reason}.`, {
    code: 'E_TARGET',
    exit: ExitCode.usage,
    hint: 'Give the name of the exchanger, such as mx.example.org.',
  });
}

export default class MxTlsaMake extends BaseCommand {
  static override summary = 'Make the TLSA records of a certificate, as lines for the zone.';
  static override description =
    'Prints 3 1 1, the SHA-256 of the server’s public key: it stays the same when the certificate is renewed with the ' +
    'same key. With --usage 2 a record is made for each authority in the file.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --cert /etc/ssl/mx.pem --host mx.example.org',
    '<%= config.bin %> <%= command.id %> --cert chain.pem --usage 2 --selector 0',
  ];
  static override flags = withEnvironment({
    cert: Flags.string({
      summary:
        'Certificate, with those above it or without, or public key, in PEM form; "-" for standard input.',
      required: true,
      helpValue: 'FILE',
    }),
    host: Flags.string({
      summary: 'Name of the exchanger; the default is the names in the certificate.',
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'NAME',
    }),
    port: Flags.integer({
      summary: 'Port of the service.',
      default: 25,
      min: 1,
      max: 65_535,
      helpValue: 'N',
    }),
    usage: Flags.integer({
      summary: '3 for the server’s own key, 2 for its authority.',
      default: 3,
      min: 2,
      max: 3,
    }),
    selector: Flags.integer({
      summary: '1 for the public key, 0 for the whole certificate.',
      default: 1,
      min: 0,
      max: 1,
    }),
    match: Flags.integer({
      summary: '1 for SHA-256, 2 for SHA-512, 0 for everything.',
      default: 1,
      min: 0,
      max: 2,
    }),
  });

  override async run(): Promise<MxTlsaMakeResult> {
    const { flags } = await this.parse(MxTlsaMake);
    const content = readPem((await readWhole(flags.cert, MAX_PEM)).toString('latin1'), flags.cert);
    const kind = { certUsage: flags.usage, selector: flags.selector, match: flags.match };
    const texts = recordsFor(content, kind, flags.cert).map(tlsaText);
    const inside = content.kind === 'certificates' ? hostNames(content.certificates[0]) : [];
    const hosts = flags.host?.map(hostName) ?? inside;
    if (hosts.length === 0) {
      throw new AppError('--host is missing: the file names no host.', {
        code: 'E_TARGET',
        exit: ExitCode.usage,
        hint: 'Give the name of the exchanger with --host.',
      });
    }
    const records = hosts.flatMap((host) =>
      texts.map((record) => {
        const name = `_${flags.port}._tcp.${host}`;
        return { name, record, line: `${name}. IN TLSA ${record}` };
      }),
    );
    const result: MxTlsaMakeResult = {
      target: flags.cert,
      status: 'ok',
      summary: `${records.length === 1 ? 'One record' : `${records.length} records`} for ${hosts.join(', ')}.`,
      checks: [],
      records,
    };
    this.emit(result, renderTlsaMake);
    this.next('postern mx tlsa check HOST --cert FILE (before you switch to a new certificate)');
    return result;
  }
}
