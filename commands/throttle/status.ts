import { BaseCommand } from '../../src/cli/base.ts';
import { FINDING_FORMATS, formatFlag, withEnvironment } from '../../src/cli/flags.ts';
import { renderStatus } from '../../src/cli/render/throttle.ts';
import { serviceCaller, serviceFlags, servicePath } from '../../src/cli/throttle-service.ts';
import { AppError, ExitCode } from '../../src/errors.ts';
import type { ThrottleService, ThrottleStatusResult } from '../../src/schema/throttle.ts';
import { judgeService } from '../../src/throttle/health.ts';

export default class ThrottleStatus extends BaseCommand {
  static override summary = 'Say whether the service runs, and what it holds.';
  static override description =
    'Critical when it does not answer, a warning when it had to forget clients for want of memory, or when the server ' +
    'that it shares by with other machines is away.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --format nagios',
  ];
  static override flags = {
    ...withEnvironment({
      format: formatFlag(['text', 'json', ...FINDING_FORMATS]),
    }),
    ...serviceFlags,
  };

  override async run(): Promise<ThrottleStatusResult> {
    const { flags } = await this.parse(ThrottleStatus);
    const service = await this.ask(flags);
    const { status, summary, checks } = judgeService(service);
    const shown = service instanceof AppError ? null : service;
    return this.emit({ target: flags.service, status, summary, checks, service: shown }, renderStatus);
  }

  /** What the service says, or why it says nothing; not being allowed to ask tells nothing about it. */
  private async ask(flags: Parameters<typeof serviceCaller>[0]): Promise<ThrottleService | AppError> {
    const ask = serviceCaller<{ service: ThrottleService }>(flags, this.signal);
    try {
      return (await ask(servicePath(['status']))).service;
    } catch (error) {
      if (error instanceof AppError && error.exit === ExitCode.unavailable) return error;
      throw error;
    }
  }
}
