import * as Args from '@oclif/core/args';
import { adviceFlags, advisersOf } from '../../src/cli/advice.ts';
import { BaseCommand, judgeTime } from '../../src/cli/base.ts';
import { dnsFlags, FINDING_FORMATS, formatFlag, smtpFlags, trustFlags } from '../../src/cli/flags.ts';
import { openDns } from '../../src/cli/open-dns.ts';
import { renderTrustShow } from '../../src/cli/render/trust.ts';
import { openKnowledge } from '../../src/cli/trust-sources.ts';
import { parseDomain } from '../../src/dns/names.ts';
import { AppError, ExitCode } from '../../src/errors.ts';
import type { TrustShowResult } from '../../src/schema/trust-show.ts';
import { askAdvice } from '../../src/sender/advice.ts';
import { standingOf } from '../../src/trust/show.ts';

export default class TrustShow extends BaseCommand {
  static override summary = 'Say whether mail that a domain signs can be trusted, and why.';
  static override description =
    'Answers for a domain alone, without a message: who vouches for it, what speaks ' +
    'against it, and the best verdict that its mail can get. A domain where anybody can sign up is never ' +
    'trusted, even when a list has it. Nothing is asked of the network, unless --voucher or --allow-list name others ' +
    'whose opinion is shown beside; it makes nothing trusted. Critical: the domain is blocked, or a mediator withdrew its entry.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> bank.example --registry examples/trust/registry.json',
    '<%= config.bin %> <%= command.id %> gmail.com',
    '<%= config.bin %> <%= command.id %> bank.example shop.example --registry overrides.json --json',
    '<%= config.bin %> <%= command.id %> bank.example --voucher mediator.example --allow-list dwl.example.net',
  ];
  static override several = true;
  static override strict = false;
  static override args = {
    domain: Args.string({ description: 'Domain, or several.', required: true, ignoreStdin: true }),
  };
  static override flags = {
    registry: trustFlags.registry,
    force: trustFlags.force,
    grace: trustFlags.grace,
    'as-of': smtpFlags['as-of'],
    'timeout-dns': smtpFlags['timeout-dns'],
    ...adviceFlags,
    ...dnsFlags,
    format: formatFlag(['text', 'json', 'jsonl', ...FINDING_FORMATS]),
  };

  override async run(): Promise<readonly TrustShowResult[]> {
    const { argv, flags } = await this.parse(TrustShow);
    const nowMs = judgeTime(flags['as-of']);
    const knowledge = await openKnowledge(flags.registry, this.config.root, flags.grace);
    const advisers = advisersOf(flags);
    const { dns, finish } = await openDns(flags, this.signal);
    try {
      return await this.each(
        argv as string[],
        { parallel: 1, ordered: true },
        async (text) => {
          const domain = readDomain(text);
          const advice = await askAdvice(domain, advisers, dns);
          return standingOf(domain, knowledge, nowMs, { force: flags.force }, advice);
        },
        renderTrustShow,
      );
    } finally {
      finish();
    }
  }
}

/** A domain as given; of an address the part behind the `@`, as that is what people have at hand. */
function readDomain(text: string): string {
  const parsed = parseDomain(text.slice(text.lastIndexOf('@') + 1), { underscores: true });
  if (parsed.kind === 'name') return parsed.ascii;
  throw new AppError(`'${text}' ${parsed.reason}.`, {
    code: 'E_TARGET',
    exit: ExitCode.usage,
    hint: 'Give a domain such as example.org.',
  });
}
