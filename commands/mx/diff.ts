import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../src/cli/base.ts';
import { FINDING_FORMATS, formatFlag } from '../../src/cli/flags.ts';
import { renderMxDiff } from '../../src/cli/render/diff.ts';
import { readSavedProbes } from '../../src/cli/saved-probes.ts';
import { AppError, ExitCode } from '../../src/errors.ts';
import { diffProbes } from '../../src/mx/diff.ts';
import type { MxDiffResult } from '../../src/schema/mx-diff.ts';

export default class MxDiff extends BaseCommand {
  static override summary = 'Say what changed between two saved results of "mx probe".';
  static override description =
    'A server that offered STARTTLS then and does not now is critical; what got worse otherwise is a warning; a ' +
    'server that could not be reached this time leaves it unknown. Files of several domains are compared domain by ' +
    'domain.';
  static override examples = ['<%= config.bin %> <%= command.id %> yesterday.json today.json'];
  static override several = true;
  static override args = {
    old: Args.string({ description: 'Earlier result (--json).', required: true, ignoreStdin: true }),
    new: Args.string({ description: 'Later result (--json).', required: true, ignoreStdin: true }),
  };

  static override flags = { format: formatFlag(['text', 'json', 'jsonl', ...FINDING_FORMATS, 'sarif']) };

  override async run(): Promise<readonly MxDiffResult[]> {
    const { args } = await this.parse(MxDiff);
    const [before, after] = await Promise.all([readSavedProbes(args.old), readSavedProbes(args.new)]);
    const both = [...after.values()].filter(({ domain }) => before.has(domain));
    if (both.length === 0) {
      throw new AppError(`'${args.old}' and '${args.new}' have no domain in common.`, {
        code: 'E_NOTHING_COMMON',
        exit: ExitCode.input,
        hint: 'Give two results for the same domain.',
      });
    }
    return this.each(
      both,
      { parallel: 1, ordered: true },
      async (probe) => diffProbes(before.get(probe.domain) ?? probe, probe),
      renderMxDiff,
      ({ domain }) => domain,
    );
  }
}
