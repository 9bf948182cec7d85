import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../../src/cli/base.ts';
import { withEnvironment } from '../../../src/cli/flags.ts';
import { renderSite } from '../../../src/cli/render/throttle.ts';
import { siteOf } from '../../../src/cli/throttle-questions.ts';
import { serviceCaller, serviceFlags, servicePath } from '../../../src/cli/throttle-service.ts';
import type { ThrottleSiteChangeResult } from '../../../src/schema/throttle.ts';

export default class ThrottleSiteEdit extends BaseCommand {
  static override summary = 'Change the names, the error page or the note of a website.';
  static override description =
    'What is not given stays as it is; --alias replaces all aliases. Limits are set with "throttle policy set".';
  static override examples = [
    '<%= config.bin %> <%= command.id %> www.example.org --alias example.org --alias m.example.org',
    '<%= config.bin %> <%= command.id %> www.example.org --error-status 503',
  ];
  static override args = {
    name: Args.string({ description: 'Name of the site; on a terminal it is asked for.', ignoreStdin: true }),
  };
  static override flags = {
    ...withEnvironment({
      alias: Flags.string({
        summary: 'Another name of the same site; may be given several times.',
        multiple: true,
        helpValue: 'NAME',
      }),
      'error-status': Flags.option({
        summary: 'Status of the error page; 503 for clients that do not know 429.',
        options: ['429', '503'] as const,
      })(),
      budget: Flags.string({
        summary: 'What all clients together may have in ten minutes, or none.',
        helpValue: 'N/SIZE',
      }),
      note: Flags.string({ summary: 'A note for whoever comes next.', helpValue: 'TEXT' }),
    }),
    ...serviceFlags,
  };

  override async run(): Promise<ThrottleSiteChangeResult> {
    const { args, flags } = await this.parse(ThrottleSiteEdit);
    const ask = serviceCaller<Pick<ThrottleSiteChangeResult, 'site'>>(flags, this.signal);
    const name = await siteOf(args.name, serviceCaller<unknown>(flags, this.signal), this.mayAsk);
    const { site } = await ask(servicePath(['sites', name]), {
      method: 'PUT',
      body: {
        ...(flags.alias && { aliases: flags.alias }),
        ...(flags['error-status'] && { refusal: Number(flags['error-status']) }),
        ...(flags.budget !== undefined && { budget: flags.budget === 'none' ? null : flags.budget }),
        ...(flags.note !== undefined && { note: flags.note }),
      },
    });
    const summary = `${site.name} is changed.`;
    return this.emit({ target: site.name, status: 'ok', summary, checks: [], site }, renderSite);
  }
}
