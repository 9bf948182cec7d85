import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { renderExplain } from '../../src/cli/render/throttle.ts';
import { clientFrom } from '../../src/cli/throttle-questions.ts';
import { serviceCaller, serviceFlags, servicePath } from '../../src/cli/throttle-service.ts';
import type { ThrottleExplainResult } from '../../src/schema/throttle.ts';

type Answer = Pick<ThrottleExplainResult, 'client' | 'exempt' | 'sites'>;

function summaryOf({ client, exempt, sites }: Answer): string {
  const named = (those: Answer['sites']) => those.map(({ standing }) => standing.site).join(', ');
  const blocked = sites.filter(({ block }) => block !== null);
  if (blocked.length > 0) return `${client} is blocked on ${named(blocked)}.`;
  if (exempt !== null) return `${client} is exempt on every site: it is neither counted nor blocked.`;
  const passing = sites.filter((site) => site.exempt !== null);
  return passing.length > 0
    ? `${client} is exempt on ${named(passing)}, and not blocked elsewhere.`
    : `${client} is not blocked.`;
}

export default class ThrottleExplain extends BaseCommand {
  static override summary = 'Say how a client stands: what it had, whether it is blocked, why, until when.';
  static override description =
    'With the limit, the counts, the request that tipped it, and who is nearest to a block on the same site.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> 192.0.2.66',
    '<%= config.bin %> <%= command.id %> 2001:db8::1 --site www.example.org --json',
  ];
  static override args = {
    client: Args.string({
      description: 'IPv4 or IPv6 address; on a terminal it is asked for.',
      ignoreStdin: true,
    }),
  };
  static override flags = {
    ...withEnvironment({
      site: Flags.string({ summary: 'This site alone.', helpValue: 'NAME' }),
    }),
    ...serviceFlags,
  };

  override async run(): Promise<ThrottleExplainResult> {
    const { args, flags } = await this.parse(ThrottleExplain);
    const ask = serviceCaller<Answer>(flags, this.signal);
    const answer = await ask(
      servicePath(['explain', await clientFrom(args.client, this.mayAsk)], { site: flags.site }),
    );
    const result = {
      target: answer.client,
      status: 'ok' as const,
      summary: summaryOf(answer),
      checks: [],
      ...answer,
    };
    return this.emit(result, renderExplain);
  }
}
