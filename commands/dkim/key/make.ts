import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../../src/cli/base.ts';
import { withEnvironment } from '../../../src/cli/flags.ts';
import { renderDkimKeyMake } from '../../../src/cli/render/dkim-key.ts';
import { writeSecret } from '../../../src/cli/secrets.ts';
import { KEY_TYPES, makeKey } from '../../../src/dkim-key/key.ts';
import { parseDomain } from '../../../src/dns/names.ts';
import { txtLine, txtStrings } from '../../../src/dns/zone-text.ts';
import { AppError, ExitCode } from '../../../src/errors.ts';
import type { DkimKeyMakeResult } from '../../../src/schema/dkim-key-make.ts';

export default class DkimKeyMake extends BaseCommand {
  static override summary = 'Make a key to sign mail with (DKIM), and the record to publish for it.';
  static override description =
    'Writes the private key to a file that only you can read and that must not exist yet, and prints the TXT record ' +
    'to paste into the zone. Publish the record first, sign when the name servers answer with it. rsa-2048 is what ' +
    'every receiver verifies; sign with ed25519 beside it, not instead.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> example.org',
    '<%= config.bin %> <%= command.id %> example.org --selector mail2026 --key-file /etc/dkim/mail2026.pem',
    '<%= config.bin %> <%= command.id %> example.org --selector ed2026 --type ed25519 --json',
  ];
  static override args = {
    domain: Args.string({
      description: 'Domain that signs.',
      required: true,
      ignoreStdin: true,
    }),
  };
  static override flags = withEnvironment({
    selector: Flags.string({
      summary: 'Name of the key below the domain; the default is the month, as in s202611.',
      helpValue: 'NAME',
    }),
    type: Flags.option({
      summary: 'Kind of key.',
      options: KEY_TYPES,
      default: 'rsa-2048' as const,
    })(),
    'key-file': Flags.string({
      summary: 'File for the private key; the default is SELECTOR.DOMAIN.pem in the current folder.',
      helpValue: 'FILE',
    }),
  });

  override async run(): Promise<DkimKeyMakeResult> {
    const { args, flags } = await this.parse(DkimKeyMake);
    const domain = parsed(args.domain, 'The domain');
    const selector = parsed(flags.selector ?? monthSelector(new Date()), '--selector');
    const name = `${selector}._domainkey.${domain}`;
    if (name.length > 253) throw wrong(`The name ${name} is too long.`);
    const file = flags['key-file'] ?? `${selector}.${domain}.pem`;
    const { privatePem, record } = await makeKey(flags.type);
    writeSecret(file, privatePem);
    const result = {
      target: domain,
      status: 'ok' as const,
      summary: `A key ${selector} for ${domain}: publish the record, then sign with ${file}.`,
      checks: [],
      ...{ domain, selector, type: flags.type, file, name, record },
      strings: txtStrings(record),
      zone: txtLine(name, record),
    };
    return this.emit(result, renderDkimKeyMake);
  }
}

/** RFC 6376 §3.1: a selector is labels as in a host name; one key a month is a good pace. */
function monthSelector(now: Date): string {
  return `s${now.toISOString().slice(0, 7).replace('-', '')}`;
}

function parsed(text: string, what: string): string {
  const name = parseDomain(text);
  if (name.kind === 'name') return name.ascii;
  throw wrong(`${what}: '${text}' ${name.reason}.`);
}

function wrong(message: string): AppError {
  return new AppError(message, {
    code: 'E_NAME',
    exit: ExitCode.usage,
    hint: 'Give a domain such as example.org and a selector such as mail2026.',
  });
}
