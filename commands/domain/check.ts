import { randomBytes } from 'node:crypto';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand, judgeTime } from '../../src/cli/base.ts';
import {
  dnsFlags,
  FINDING_FORMATS,
  formatFlag,
  laboratoryFlags,
  policyFlags,
  withEnvironment,
} from '../../src/cli/flags.ts';
import { openDns } from '../../src/cli/open-dns.ts';
import { mtaStsFinder } from '../../src/cli/policies.ts';
import { renderDomainCheck } from '../../src/cli/render/domain.ts';
import { collectTargets } from '../../src/cli/targets.ts';
import { line } from '../../src/cli/text.ts';
import { openSignupOf } from '../../src/cli/trust-sources.ts';
import { parseDomain } from '../../src/dns/names.ts';
import { AppError, ExitCode } from '../../src/errors.ts';
import { withVetting } from '../../src/mediator/vetting.ts';
import type { DomainCheckResult } from '../../src/schema/domain-check.ts';
import { checkDomain } from '../../src/sender/check.ts';

export default class DomainCheck extends BaseCommand {
  static override summary = 'Say what a domain publishes for its mail, and what to publish instead.';
  static override description =
    'Looks at SPF with all records it leads to, DKIM keys, DMARC, BIMI, TLS reporting, MTA-STS and DANE of a domain. ' +
    'Each finding comes with the record to publish. DKIM selectors cannot be listed: name yours with --selector, or common ones ' +
    'are tried. Critical: a record that does not count, a key that is missing or too short, a door that stands open.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> example.org',
    '<%= config.bin %> <%= command.id %> example.org --selector mail2026 --selector ed2026',
    '<%= config.bin %> <%= command.id %> example.org --selector mail2026 --for-mediator',
    '<%= config.bin %> <%= command.id %> --from-file domains.txt --format jsonl',
  ];
  static override several = true;
  static override args = {
    domain: Args.string({
      description: 'Domain; "-" reads a list from standard input.',
      multiple: true,
      ignoreStdin: true,
    }),
  };
  static override flags = {
    ...withEnvironment({
      selector: Flags.string({
        summary: 'DKIM selector to look at; several may be given.',
        multiple: true,
        multipleNonGreedy: true,
        helpValue: 'NAME',
      }),
      voucher: Flags.string({
        summary: 'Ask whether this service vouches for the domain (VBR); several may be given.',
        multiple: true,
        multipleNonGreedy: true,
        helpValue: 'HOST',
      }),
      'for-mediator': Flags.boolean({
        summary: 'Also say what a mediator would ask of the domain before it vouches for it.',
      }),
      'from-file': Flags.string({
        summary: 'Read further domains from a list, one a line.',
        helpValue: 'FILE',
      }),
      parallel: Flags.integer({
        summary: 'Domains at a time.',
        default: 4,
        min: 1,
        max: 1000,
        helpValue: 'N',
      }),
      ordered: Flags.boolean({ summary: 'Print in the order of the domains instead of as they come.' }),
      format: formatFlag(['text', 'json', 'jsonl', ...FINDING_FORMATS, 'sarif']),
    }),
    ...dnsFlags,
    ...policyFlags,
    ...laboratoryFlags,
  };

  override async run(): Promise<readonly DomainCheckResult[]> {
    const { args, flags } = await this.parse(DomainCheck);
    const targets = await collectTargets(args.domain ?? [], flags['from-file']);
    // One wrong domain fails the command before anything is asked; of several it is a row.
    if (targets.length === 1) nameOf(targets[0] ?? '', false);
    const selectors = (flags.selector ?? []).map((selector) => nameOf(selector, true));
    const vouchers = (flags.voucher ?? []).map((host) => nameOf(host, false));
    const asOfMs = judgeTime(flags['as-of']);
    const { dns, finish } = await openDns(flags, this.signal);
    const world = {
      dns,
      nowMs: asOfMs,
      tlsaPort: flags['tlsa-port'] ?? 25,
      mtaSts: mtaStsFinder(flags, dns, {
        asOfMs,
        signal: this.signal,
        warn: (message) => this.note(line`${message}`),
        refresh: true,
      }),
      selectors,
      vouchers,
      madeUp: `x${randomBytes(8).toString('hex')}`,
    };
    const openSignup = flags['for-mediator'] ? openSignupOf(this.config.root, null) : null;
    try {
      return await this.each(
        targets,
        flags,
        async (text) => {
          const result = await checkDomain(nameOf(text, false), world);
          return openSignup === null ? result : withVetting(result, openSignup);
        },
        renderDomainCheck,
      );
    } finally {
      finish();
    }
  }
}

function nameOf(text: string, underscores: boolean): string {
  const name = parseDomain(text, { underscores });
  if (name.kind === 'name') return name.ascii;
  throw new AppError(`'${text}' ${name.reason}.`, {
    code: 'E_TARGET',
    exit: ExitCode.usage,
    hint: 'Give a domain such as example.org.',
  });
}
