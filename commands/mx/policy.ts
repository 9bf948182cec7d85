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
import { postfixPolicy, renderMxPolicy } from '../../src/cli/render/policy.ts';
import { collectTargets } from '../../src/cli/targets.ts';
import { line } from '../../src/cli/text.ts';
import { parseNameTarget } from '../../src/mx/target.ts';
import { effectivePolicy } from '../../src/policy/effective.ts';
import type { MxPolicyResult } from '../../src/schema/mx-policy.ts';

export default class MxPolicy extends BaseCommand {
  static override summary =
    'Say which TLS policy a sender should have for a domain, from its DNS and MTA-STS.';
  static override description =
    'DANE where the exchangers have it, else MTA-STS, else opportunistic. No mail server is connected to. With ' +
    '--format postfix the result is a policy map for smtp_tls_policy_maps, each line below a comment that says why. ' +
    'Where a look-up failed no line is written: an error is no absence. That needs a resolver whose word on DNSSEC can ' +
    'be believed.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> example.org',
    '<%= config.bin %> <%= command.id %> --from-file domains.txt --format postfix --ordered --output tls_policy',
  ];
  static override several = true;
  static override args = {
    domain: Args.string({
      description: 'Domain or mail address; "-" reads a list from standard input.',
      multiple: true,
      ignoreStdin: true,
    }),
  };
  static override flags = {
    ...withEnvironment({
      'from-file': Flags.string({
        summary: 'Read further domains from a list, one a line.',
        helpValue: 'FILE',
      }),
      format: formatFlag(['text', 'json', 'jsonl', 'postfix', ...FINDING_FORMATS]),
    }),
    ...dnsFlags,
    ...policyFlags,
    ...laboratoryFlags,
    ...withEnvironment({
      parallel: Flags.integer({
        summary: 'Domains at a time.',
        default: 64,
        min: 1,
        max: 1000,
        helpValue: 'N',
      }),
      ordered: Flags.boolean({ summary: 'Print in the order of the domains instead of as they come.' }),
    }),
  };

  override async run(): Promise<readonly MxPolicyResult[]> {
    const { args, flags } = await this.parse(MxPolicy);
    const targets = await collectTargets(args.domain ?? [], flags['from-file']);
    if (targets.length === 1) parseNameTarget(targets[0] ?? '');
    const { dns, finish } = await openDns(flags, this.signal);
    const options = {
      dns,
      tlsaPort: flags['tlsa-port'] ?? 25,
      mtaSts: mtaStsFinder(flags, dns, {
        asOfMs: judgeTime(flags['as-of']),
        signal: this.signal,
        warn: (message) => this.note(line`${message}`),
      }),
    };
    try {
      return await this.each(
        targets,
        flags,
        (text) => effectivePolicy(text, parseNameTarget(text), options),
        {
          text: renderMxPolicy,
          postfix: postfixPolicy,
        },
      );
    } finally {
      finish();
    }
  }
}
