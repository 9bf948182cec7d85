import type { Interfaces } from '@oclif/core';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { type CheckOptions, checkMessage } from '../../src/check/check.ts';
import type { MessageCheck as Result } from '../../src/check/types.ts';
import { adviceFlags, advisersOf } from '../../src/cli/advice.ts';
import { BaseCommand, judgeTime } from '../../src/cli/base.ts';
import { type Case, optionalField, readBatch, stringField } from '../../src/cli/batch.ts';
import { caseDns } from '../../src/cli/case-dns.ts';
import {
  dnsFlags,
  duration,
  FINDING_FORMATS,
  formatFlag,
  trustFlags,
  withEnvironment,
} from '../../src/cli/flags.ts';
import { readInput } from '../../src/cli/input.ts';
import { checkInput, READ_BYTES } from '../../src/cli/message-check-input.ts';
import { messageSources } from '../../src/cli/message-sources.ts';
import { openDns } from '../../src/cli/open-dns.ts';
import { mapParallel } from '../../src/cli/parallel.ts';
import { renderMessageCheck } from '../../src/cli/render/check.ts';
import { openKnowledge } from '../../src/cli/trust-sources.ts';
import { Workbench } from '../../src/dkim/direct/verify.ts';
import { parseDomain } from '../../src/dns/names.ts';
import { AppError, ExitCode } from '../../src/errors.ts';
import { parseAddress } from '../../src/net/address.ts';
import type { MessageCheckResult } from '../../src/schema/message-check.ts';

type CheckFlags = Interfaces.InferredFlags<typeof MessageCheck.flags>;

/** Verdicts that meet a demand. */
const MEETS: Readonly<Record<'trusted' | 'authenticated', ReadonlySet<string>>> = {
  trusted: new Set(['trusted']),
  authenticated: new Set(['trusted', 'authenticated', 'open-signup']),
};

export default class MessageCheck extends BaseCommand {
  static override summary = 'Say who really sent a message, and whether that sender can be trusted.';
  static override description =
    'Checks SPF, DKIM, DMARC and ARC of a saved message, and gives one of five verdicts: trusted (a listed company ' +
    'signed it), authenticated (the domain is proved, nobody vouches for it), open-signup (the domain is proved, and ' +
    'anybody can get an address there), unauthenticated, suspicious. What SPF needs to know comes from the line ' +
    'where the message entered your system, or from flags. A pasted header block is judged as far as that goes.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> message.eml',
    '<%= config.bin %> <%= command.id %> message.eml --registry trusted.json --require trusted',
    '<%= config.bin %> <%= command.id %> - --explain < message.eml',
    '<%= config.bin %> <%= command.id %> message.eml --ip 192.0.2.20 --helo mail.example.org --mail-from a@example.org',
    '<%= config.bin %> <%= command.id %> old.eml --dns-cache keys.json --offline --as-of 2026-01-31',
    '<%= config.bin %> <%= command.id %> --batch cases.jsonl --format jsonl',
  ];
  static override several = true;
  static override targets = 'file' as const;
  static override args = {
    file: Args.string({
      description: 'Message or header block; "-" is standard input.',
      multiple: true,
      ignoreStdin: true,
    }),
  };
  static override flags = {
    ...withEnvironment({
      ip: Flags.string({ summary: 'Address of the client that handed the message in.', helpValue: 'IP' }),
      helo: Flags.string({ summary: 'Name that the client gave (HELO).', helpValue: 'NAME' }),
      'mail-from': Flags.string({
        summary: 'Return path (MAIL FROM); "" or "<>" is the empty one.',
        helpValue: 'ADDRESS',
      }),
      mta: Flags.string({
        summary: 'Name of the server that took it in, as it signs its Authentication-Results.',
        helpValue: 'HOST',
      }),
      rcpt: Flags.string({ summary: 'Recipient in the envelope (RCPT TO).', helpValue: 'ADDRESS' }),
      'as-of': Flags.string({
        summary: 'Judge expiry as of this time (ISO 8601) instead of when the message came in.',
        helpValue: 'TIME',
      }),
      'trusted-by': Flags.string({
        summary: 'Name of one of your own mail servers, as its Received lines have it; several may be given.',
        multiple: true,
        multipleNonGreedy: true,
        helpValue: 'HOST',
      }),
      'trusted-ip': Flags.string({
        summary: 'Address or network of your own mail servers; several may be given.',
        multiple: true,
        multipleNonGreedy: true,
        helpValue: 'IP[/N]',
      }),
      require: Flags.option({
        summary: 'Exit with 2 unless the sender is trusted, or at least authenticated.',
        options: ['trusted', 'authenticated'] as const,
      })(),
      explain: Flags.boolean({
        summary: 'Tell every reason, the SPF record term by term, and the way it came.',
      }),
      bimi: Flags.boolean({ summary: 'Ask for the BIMI record of the author’s domain, too.' }),
      dnsbl: Flags.string({
        summary:
          'Ask this block list about client and domains, or "usual" the usual ones; several may be given.',
        multiple: true,
        multipleNonGreedy: true,
        helpValue: 'ZONE',
      }),
      'max-signatures': Flags.integer({
        summary: 'DKIM signatures that are evaluated.',
        default: 10,
        min: 1,
        max: 50,
        helpValue: 'N',
      }),
      batch: Flags.string({
        summary: 'Read cases {"id", "eml", "ip", "helo", "mailFrom", …} from JSON Lines; print a row each.',
        helpValue: 'FILE',
        exclusive: ['ip', 'helo', 'mail-from', 'mta', 'rcpt'],
      }),
      parallel: Flags.integer({
        summary: 'Messages at a time.',
        default: 4,
        min: 1,
        max: 1000,
        helpValue: 'N',
      }),
      ordered: Flags.boolean({ summary: 'Print in the order of the files.', default: true, allowNo: true }),
      'timeout-dns': duration({ summary: 'Wait for one DNS answer.', default: 5000, helpGroup: 'TIME-OUT' }),
    }),
    ...trustFlags,
    ...adviceFlags,
    ...dnsFlags,
    format: formatFlag(['text', 'json', 'jsonl', ...FINDING_FORMATS, 'sarif']),
  };

  override async run(): Promise<readonly Result[]> {
    const { args, flags } = await this.parse(MessageCheck);
    const { explain } = flags;
    const view = (named: boolean) => (result: Result, columns: number) =>
      renderMessageCheck(result, columns, { explain, named });
    const judge = (result: Result): Result => {
      // What was cut short by Ctrl-C found nothing out.
      this.signal.throwIfAborted();
      if (flags.require !== undefined && !MEETS[flags.require].has(result.verdict)) this.demandNotMet();
      return result satisfies MessageCheckResult;
    };
    const { dns, finish } = await openDns(flags, this.signal);
    try {
      const options: CheckOptions = { ...(await this.optionsOf(flags)), dns };
      if (flags.batch !== undefined)
        return await this.runBatch(flags.batch, options, flags, judge, view(true));
      if (!args.file && process.stdin.isTTY)
        this.note([{ text: 'Paste the message or its headers, then Ctrl-D.' }]);
      const sources = await messageSources(args.file ?? ['-'], READ_BYTES);
      const results = await this.each(
        sources,
        flags,
        async (source) => judge(await checkMessage(checkInput(source.name, await source.read()), options)),
        view(sources.length > 1),
        ({ name }) => name,
      );
      const [only] = results;
      if (results.length === 1 && only?.authorDomain) this.next(`postern trust show ${only.authorDomain}`);
      return results;
    } finally {
      finish();
    }
  }

  private async optionsOf(flags: CheckFlags): Promise<Omit<CheckOptions, 'dns'>> {
    return {
      recipient: flags.rcpt ?? null,
      asOfMs: flags['as-of'] === undefined ? null : judgeTime(flags['as-of']),
      nowMs: Date.now(),
      knowledge: await openKnowledge(flags.registry, this.config.root, flags.grace),
      policy: { force: flags.force, strictReplay: flags['strict-replay'] },
      maxSignatures: flags['max-signatures'],
      workbench: new Workbench(),
      liveDns: !flags.offline && flags['dns-cache'] === undefined,
      bimi: flags.bimi,
      advisers: advisersOf(flags),
      ...(flags.dnsbl && { dnsbl: await wishFor(flags.dnsbl) }),
      ...(flags['trusted-by'] && { trustedBy: flags['trusted-by'] }),
      ...(flags['trusted-ip'] && { trustedIps: flags['trusted-ip'] }),
      given: {
        ...(flags.ip !== undefined && { ip: readIp(flags.ip) }),
        ...(flags.helo !== undefined && { helo: flags.helo }),
        ...(flags['mail-from'] !== undefined && { mailFrom: flags['mail-from'] }),
        ...(flags.mta !== undefined && { mta: flags.mta }),
      },
    };
  }

  /** A row a case; what a case does not say is as on the command line, or comes from its message. */
  private async runBatch(
    file: string,
    options: CheckOptions,
    several: { parallel: number; ordered: boolean },
    judge: (result: Result) => Result,
    view: (result: Result, columns: number) => ReturnType<typeof renderMessageCheck>,
  ): Promise<readonly Result[]> {
    const { cases, pathOf } = await readBatch(file);
    const dnsOf = caseDns(pathOf, options.dns);
    const check = async (each: Case): Promise<Result> => {
      const name = stringField(each, 'eml');
      const input = checkInput(name, await readInput(pathOf(name), READ_BYTES), { lenient: true });
      return judge(await checkMessage(input, { ...options, ...caseOptions(each), dns: await dnsOf(each) }));
    };
    this.beginRows({ fast: true });
    await mapParallel(cases, { ...several, signal: this.signal }, check, (each, outcome) => {
      if ('error' in outcome) this.emitFailure(each.id, outcome.error, each.id);
      else this.emit(outcome.value, view, each.id);
    });
    this.signal.throwIfAborted();
    return [];
  }
}

function caseOptions(each: Case): Partial<CheckOptions> {
  const [ip, helo, mailFrom, mta] = ['ip', 'helo', 'mailFrom', 'mta'].map((name) =>
    optionalField(each, name),
  );
  const [recipient, asOf] = [optionalField(each, 'rcpt'), optionalField(each, 'asOf')];
  return {
    given: {
      ...(ip != null && { ip: readIp(ip) }),
      ...(helo != null && { helo }),
      ...(mailFrom != null && { mailFrom }),
      ...(mta != null && { mta }),
    },
    ...(recipient !== null && { recipient }),
    ...(asOf !== null && { asOfMs: judgeTime(asOf) }),
    ...(each.fields['dns'] != null && { liveDns: false }),
  };
}

function readIp(text: string): string {
  if (parseAddress(text) !== null) return text;
  throw new AppError(`'${text}' is no IP address.`, {
    code: 'E_USAGE',
    exit: ExitCode.usage,
    hint: 'Give the address of the client, such as --ip 192.0.2.20.',
  });
}

async function wishFor(names: readonly string[]): Promise<NonNullable<CheckOptions['dnsbl']>> {
  const { CATALOGUE, listOf } = await import('../../src/dnsbl/catalogue.ts');
  const { randomBytes } = await import('node:crypto');
  const usual = CATALOGUE.filter(({ standard }) => standard);
  const lists = names.flatMap((name) => (name === 'usual' ? usual : [listOf(zoneOf(name))]));
  return { lists, madeUp: `${randomBytes(12).toString('hex')}.com` };
}

function zoneOf(text: string): string {
  const zone = parseDomain(text, { underscores: true });
  if (zone.kind === 'name') return zone.ascii;
  throw new AppError(`--dnsbl: '${text}' ${zone.reason}.`, {
    code: 'E_LIST',
    exit: ExitCode.usage,
    hint: 'Give the zone of a list, such as zen.spamhaus.org, or "usual".',
  });
}
