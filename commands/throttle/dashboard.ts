import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { renderDashboard } from '../../src/cli/render/throttle.ts';
import { serviceCaller, serviceFlags, servicePath } from '../../src/cli/throttle-service.ts';
import type { ThrottleDashboardResult } from '../../src/schema/throttle.ts';

export default class ThrottleDashboard extends BaseCommand {
  static override summary = 'Open the dashboard of the service, and print an address that works once.';
  static override description =
    'The service listens on loopback for it, as long as somebody uses it: who is nearest to a block, blocks, sites, ' +
    'simulation. Whoever may use the socket of the service may open it; the address works once, within two minutes, and ' +
    'a session ends after 15 minutes in which nobody does anything. On another machine, forward the port first: with ' +
    '--port 8480 here, "ssh -L 8480:127.0.0.1:8480 HOST" there.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --port 8480',
  ];
  static override flags = {
    ...withEnvironment({
      port: Flags.integer({
        summary: 'Port on loopback; any when it is not given, and the one that is open when one is.',
        min: 1,
        max: 65_535,
        helpValue: 'PORT',
      }),
    }),
    ...serviceFlags,
  };

  override async run(): Promise<ThrottleDashboardResult> {
    const { flags } = await this.parse(ThrottleDashboard);
    const ask = serviceCaller<Pick<ThrottleDashboardResult, 'url' | 'until'>>(flags, this.signal);
    const { url, until } = await ask(servicePath(['dashboard']), {
      method: 'POST',
      body: { ...(flags.port !== undefined && { port: flags.port }) },
    });
    const summary = `This address opens the dashboard once, until ${until}.`;
    return this.emit({ target: null, status: 'ok', summary, checks: [], url, until }, renderDashboard);
  }
}
