import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { duration, withEnvironment } from '../../src/cli/flags.ts';
import { renderExemptions } from '../../src/cli/render/throttle.ts';
import { serviceCaller, serviceFlags, servicePath } from '../../src/cli/throttle-service.ts';
import type { ThrottleExemptResult } from '../../src/schema/throttle.ts';

type Ask = ReturnType<typeof serviceCaller<Pick<ThrottleExemptResult, 'exemptions'>>>;

export default class ThrottleExempt extends BaseCommand {
  static override summary = 'Let a network pass without counting; without a network, list who passes.';
  static override description =
    'This machine itself passes unless the service was started with --no-exempt-loopback.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> 192.0.2.0/24 --reason office',
    '<%= config.bin %> <%= command.id %> 203.0.113.9 --site www.example.org --for 24h',
    '<%= config.bin %> <%= command.id %> 192.0.2.0/24 --remove',
  ];
  static override args = {
    network: Args.string({ description: 'Address or network, such as 192.0.2.0/24.', ignoreStdin: true }),
  };
  static override flags = {
    ...withEnvironment({
      site: Flags.string({ summary: 'On this site alone.', helpValue: 'NAME' }),
      for: duration({ summary: 'Only for so long.' }),
      reason: Flags.string({ summary: 'Why, for whoever comes next.', helpValue: 'TEXT' }),
      remove: Flags.boolean({ summary: 'Count it again.' }),
    }),
    ...serviceFlags,
  };

  override async run(): Promise<ThrottleExemptResult> {
    const { args, flags } = await this.parse(ThrottleExempt);
    const ask = serviceCaller<Pick<ThrottleExemptResult, 'exemptions'>>(flags, this.signal);
    const { network } = args;
    const { exemptions } = await this.change(ask, network, flags);
    const change = flags.remove ? 'is counted again' : 'passes without counting';
    const listed =
      exemptions.length === 1 ? 'There is 1 exemption.' : `There are ${exemptions.length} exemptions.`;
    const summary = network === undefined ? listed : `${network} ${change}.`;
    return this.emit(
      { target: network ?? null, status: 'ok', summary, checks: [], exemptions },
      renderExemptions,
    );
  }

  private change(
    ask: Ask,
    network: string | undefined,
    flags: {
      site?: string | undefined;
      for?: number | undefined;
      reason?: string | undefined;
      remove: boolean;
    },
  ): ReturnType<Ask> {
    if (network === undefined) return ask(servicePath(['exemptions']));
    if (flags.remove)
      return ask(servicePath(['exemptions', network], { site: flags.site }), { method: 'DELETE' });
    return ask(servicePath(['exemptions']), {
      method: 'POST',
      body: {
        network,
        ...(flags.site !== undefined && { site: flags.site }),
        ...(flags.for !== undefined && { forSeconds: flags.for / 1000 }),
        ...(flags.reason !== undefined && { reason: flags.reason }),
      },
    });
  }
}
