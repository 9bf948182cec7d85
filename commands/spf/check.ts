import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { type Case, optionalField, readBatch, stringField } from '../../src/cli/batch.ts';
import { caseDns } from '../../src/cli/case-dns.ts';
import { dnsFlags, duration, FINDING_FORMATS, formatFlag, withEnvironment } from '../../src/cli/flags.ts';
import { openDns } from '../../src/cli/open-dns.ts';
import { mapParallel } from '../../src/cli/parallel.ts';
import { renderSpfCheck } from '../../src/cli/render/spf.ts';
import type { Resolver } from '../../src/dns/types.ts';
import { AppError, ExitCode } from '../../src/errors.ts';
import { parseAddress } from '../../src/net/address.ts';
import type { SpfCheckResult } from '../../src/schema/spf-check.ts';
import { checkSpf } from '../../src/spf/check.ts';
import { describeSpf, parseSpfTarget, spfReport } from '../../src/spf/report.ts';

export default class SpfCheck extends BaseCommand {
  static override summary = 'Say whether a server may send mail in the name of a domain, and why.';
  static override description =
    'Evaluates the SPF record of a domain or of the domain of a mail address (RFC 7208) for the client named with ' +
    '--ip, term by term as a tree: what was asked, what matched, what it cost of the ten lookups. Without --ip ' +
    'only the records are looked at: errors, limits, ranges that are too wide, terms without effect. Critical: ' +
    'fail, or a record that ends in an error.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> example.org',
    '<%= config.bin %> <%= command.id %> example.org --ip 192.0.2.20',
    '<%= config.bin %> <%= command.id %> bounce@example.org --ip 2001:db8::20 --helo mail.example.org --json',
    '<%= config.bin %> <%= command.id %> --batch cases.jsonl --format jsonl',
  ];
  static override several = true;
  static override args = {
    target: Args.string({ description: 'Domain, or address in MAIL FROM.', ignoreStdin: true }),
  };
  static override flags = {
    ...withEnvironment({
      ip: Flags.string({ summary: 'Address of the server that sends.', helpValue: 'IP' }),
      helo: Flags.string({ summary: 'Name that it says in HELO; judged as well.', helpValue: 'NAME' }),
      mta: Flags.string({ summary: 'Name of the receiving server, for %{r}.', helpValue: 'NAME' }),
      batch: Flags.string({
        summary:
          'Read cases {"id", "ip", "helo", "mailFrom", "mta", "dns"} from JSON Lines; print a row each.',
        helpValue: 'FILE',
        exclusive: ['ip', 'helo', 'mta'],
      }),
      parallel: Flags.integer({ summary: 'Cases at a time.', default: 4, min: 1, max: 1000, helpValue: 'N' }),
      ordered: Flags.boolean({ summary: 'Print in the order of the cases.', default: true, allowNo: true }),
      'timeout-dns': duration({ summary: 'Wait for one DNS answer.', default: 5000, helpGroup: 'TIME-OUT' }),
    }),
    ...dnsFlags,
    format: formatFlag(['text', 'json', 'jsonl', ...FINDING_FORMATS]),
  };

  override async run(): Promise<readonly SpfCheckResult[]> {
    const { args, flags } = await this.parse(SpfCheck);
    if (flags.batch !== undefined && args.target !== undefined)
      throw wrongUse('--batch: there is a target as well.');
    const { dns, finish } = await openDns(flags, this.signal);
    try {
      if (flags.batch !== undefined) return await this.runBatch(flags.batch, dns, flags);
      const target = parseSpfTarget(args.target ?? '');
      const demand = { target, ip: readIp(flags.ip), helo: flags.helo ?? null, mta: flags.mta ?? null };
      return [this.emit(await describeSpf(demand, dns, Date.now()), renderSpfCheck)];
    } finally {
      finish();
    }
  }

  private async runBatch(
    file: string,
    dns: Resolver,
    several: { parallel: number; ordered: boolean },
  ): Promise<readonly SpfCheckResult[]> {
    const { cases, pathOf } = await readBatch(file);
    const dnsOf = caseDns(pathOf, dns);
    const check = async (each: Case): Promise<SpfCheckResult> => {
      const question = {
        ip: stringField(each, 'ip'),
        helo: optionalField(each, 'helo'),
        mailFrom: optionalField(each, 'mailFrom') ?? '',
        mta: optionalField(each, 'mta'),
      };
      return spfReport(await checkSpf({ ...question, dns: await dnsOf(each), nowMs: Date.now() }), question);
    };
    this.beginRows({ fast: true });
    await mapParallel(cases, { ...several, signal: this.signal }, check, (each, outcome) => {
      if ('error' in outcome) this.emitFailure(each.id, outcome.error, each.id);
      else this.emit(outcome.value, renderSpfCheck, each.id);
    });
    this.signal.throwIfAborted();
    return [];
  }
}

function readIp(text: string | undefined): string | null {
  if (text === undefined) return null;
  if (parseAddress(text) !== null) return text;
  throw wrongUse(`--ip: '${text}' is no IP address.`);
}

function wrongUse(message: string): AppError {
  return new AppError(message, {
    code: 'E_USAGE',
    exit: ExitCode.usage,
    hint: 'For one case: a domain and --ip 192.0.2.20; for many: --batch alone.',
  });
}
