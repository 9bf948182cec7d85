import { randomBytes } from 'node:crypto';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { dnsFlags, duration, FINDING_FORMATS, formatFlag, withEnvironment } from '../../src/cli/flags.ts';
import { openDns } from '../../src/cli/open-dns.ts';
import { renderDnsblCheck } from '../../src/cli/render/dnsbl.ts';
import { readSecrets } from '../../src/cli/secrets.ts';
import { collectTargets } from '../../src/cli/targets.ts';
import { parseDomain } from '../../src/dns/names.ts';
import { CATALOGUE, listOf } from '../../src/dnsbl/catalogue.ts';
import { openDnsbl } from '../../src/dnsbl/check.ts';
import { dnsblReport } from '../../src/dnsbl/report.ts';
import { parseSubject } from '../../src/dnsbl/subject.ts';
import { AppError, ExitCode } from '../../src/errors.ts';
import type { DnsblCheckResult } from '../../src/schema/dnsbl-check.ts';

export default class DnsblCheck extends BaseCommand {
  static override summary = 'Say on which block lists an address or a domain is.';
  static override description =
    'Asks all lists at once, after testing each: one that lists everything or nothing is not believed, an error is ' +
    'no listing, and what could not be told is never called clean. Critical: it is on a list. Public resolvers are ' +
    `refused by most lists; ask your own. Asked as a rule: ${CATALOGUE.filter(({ standard }) => standard)
      .map(({ zone }) => zone)
      .join(', ')}.`;
  static override examples = [
    '<%= config.bin %> <%= command.id %> 192.0.2.25',
    '<%= config.bin %> <%= command.id %> 192.0.2.25 mail.example.org --json',
    '<%= config.bin %> <%= command.id %> 192.0.2.25 --list zen.spamhaus.org --dqs-key-file dqs.key',
    '<%= config.bin %> <%= command.id %> 10.0.0.7 --list bl.corp.example --allow-private',
  ];
  static override several = true;
  static override args = {
    target: Args.string({
      description: 'IP address or domain; "-" reads a list from standard input.',
      multiple: true,
      ignoreStdin: true,
    }),
  };
  static override flags = {
    ...withEnvironment({
      list: Flags.string({
        summary: 'Ask this list instead of the usual ones; several may be given.',
        multiple: true,
        multipleNonGreedy: true,
        helpValue: 'ZONE',
      }),
      'from-file': Flags.string({
        summary: 'Read further targets from a list, one a line.',
        helpValue: 'FILE',
      }),
      'dqs-key-file': Flags.string({
        summary: 'File with mode 0600 that holds a key of Spamhaus’ data query service.',
        helpValue: 'FILE',
        exclusive: ['dns-record'],
      }),
      'allow-private': Flags.boolean({
        summary: 'Ask about private addresses, too, for a list of your own.',
      }),
      parallel: Flags.integer({
        summary: 'Targets at a time.',
        default: 4,
        min: 1,
        max: 1000,
        helpValue: 'N',
      }),
      ordered: Flags.boolean({ summary: 'Print in the order of the targets instead of as they come.' }),
      'timeout-dns': duration({ summary: 'Wait for one DNS answer.', default: 3000, helpGroup: 'TIME-OUT' }),
    }),
    ...dnsFlags,
    format: formatFlag(['text', 'json', 'jsonl', ...FINDING_FORMATS]),
  };

  override async run(): Promise<readonly DnsblCheckResult[]> {
    const { args, flags } = await this.parse(DnsblCheck);
    const targets = await collectTargets(args.target ?? [], flags['from-file']);
    // One wrong target fails the command before anything is asked; of several it is a row.
    if (targets.length === 1) parseSubject(targets[0] ?? '', flags['allow-private']);
    const key = flags['dqs-key-file'] === undefined ? null : readKey(flags['dqs-key-file']);
    const lists = flags.list?.map(zoneOf).map(listOf);
    const { dns, finish } = await openDns(flags, this.signal);
    try {
      const ask = openDnsbl({ dns, ...(lists && { lists }), key, madeUp: madeUpName() });
      return await this.each(
        targets,
        flags,
        async (text) => dnsblReport(text, await ask(parseSubject(text, flags['allow-private']))),
        renderDnsblCheck,
      );
    } finally {
      finish();
    }
  }
}

/** Nobody has registered it. */
function madeUpName(): string {
  return `${randomBytes(12).toString('hex')}.com`;
}

function readKey(file: string): string {
  const [key] = readSecrets(file, 'postern-dqs-key');
  if (/^[a-z0-9]{10,63}$/i.test(key)) return key.toLowerCase();
  throw new AppError(`--dqs-key-file: '${file}' holds no key.`, {
    code: 'E_SECRET',
    exit: ExitCode.input,
    hint: 'A key has 26 letters and digits; it stands alone in the file.',
  });
}

function zoneOf(text: string): string {
  const zone = parseDomain(text, { underscores: true });
  if (zone.kind === 'name') return zone.ascii;
  throw new AppError(`--list: '${text}' ${zone.reason}.`, {
    code: 'E_LIST',
    exit: ExitCode.usage,
    hint: 'Give the zone of a list, such as zen.spamhaus.org.',
  });
}
