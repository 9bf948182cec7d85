import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand, judgeTime } from '../../src/cli/base.ts';
import { dnsFlags, smtpFlags, withEnvironment } from '../../src/cli/flags.ts';
import { renderMxProbe } from '../../src/cli/render/mx.ts';
import { openDns, smtpWorld } from '../../src/cli/world.ts';
import { probeTarget } from '../../src/mx/probe.ts';
import { parseTarget } from '../../src/mx/target.ts';
import type { MxProbeResult } from '../../src/schema/mx-probe.ts';

export default class MxProbe extends BaseCommand {
  static override summary = 'Ask the mail exchangers of a domain whether they encrypt (STARTTLS).';
  static override description =
    'Looks up where mail for the domain goes and opens one connection to every address of every exchanger: ' +
    'greeting, EHLO, STARTTLS, TLS handshake, EHLO, QUIT. No mail is sent. Critical: no server offers STARTTLS, ' +
    'or the handshake fails. A certificate that is not valid is information, as senders do not verify it unless ' +
    'DANE or MTA-STS ask for it.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> example.org',
    '<%= config.bin %> <%= command.id %> example.org example.net --json',
    '<%= config.bin %> <%= command.id %> 192.0.2.25 --ehlo mail.example.com',
  ];
  static override several = true;
  static override args = {
    target: Args.string({
      description: 'Domain, mail address or IP address.',
      required: true,
      multiple: true,
      ignoreStdin: true,
    }),
  };
  static override flags = {
    ...dnsFlags,
    ...smtpFlags,
    ...withEnvironment({
      parallel: Flags.integer({
        summary: 'Targets at a time.',
        default: 64,
        min: 1,
        max: 1000,
        helpValue: 'N',
      }),
      ordered: Flags.boolean({ summary: 'Print in the order of the targets instead of as they come.' }),
    }),
  };

  override async run(): Promise<readonly MxProbeResult[]> {
    const { args, flags } = await this.parse(MxProbe);
    const targets = args.target.map((text) => ({ text, parse: () => parseTarget(text) }));
    const world = { ...smtpWorld(flags), signal: this.signal, asOfMs: judgeTime(flags['as-of']) };
    // One wrong target fails the command before anything is asked; of several it is a row.
    if (targets.length === 1) targets[0]?.parse();
    const { dns, finish } = await openDns(flags, this.signal);
    try {
      return await this.each(
        targets,
        flags,
        async ({ parse }) => probeTarget(parse(), { ...world, dns }),
        renderMxProbe,
        ({ text }) => text,
      );
    } finally {
      finish();
    }
  }
}
