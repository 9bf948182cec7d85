import { existsSync } from 'node:fs';
import * as Args from '@oclif/core/args';
import { BaseCommand } from '../src/cli/base.ts';
import { didYouMean, suggestions } from '../src/cli/nearest.ts';
import { renderExplanationList, renderExplanations } from '../src/cli/render/explain.ts';
import { AppError, ExitCode } from '../src/errors.ts';
import { EXPLANATIONS, explanationOf } from '../src/explain/index.ts';
import type { Explanation } from '../src/explain/types.ts';
import type { ExplainResult } from '../src/schema/explain.ts';

export default class Explain extends BaseCommand {
  static override summary = 'Explain a finding: what it is, why it matters, how to fix it.';
  static override description =
    'Every finding has an id, such as smtp.starttls.offered, and every reason of a verdict a code, such as ' +
    'dkim.partial-body. For each there is a text: what is looked at, why it matters, what to do about it in ' +
    'Postfix, Exim, Exchange and BIND where that applies, and where it is laid down. Without an id all of them are ' +
    'listed.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> smtp.starttls.offered',
    '<%= config.bin %> <%= command.id %> dkim.partial-body dnsbl.listed:zen.spamhaus.org',
    '<%= config.bin %> <%= command.id %>',
  ];
  static override args = {
    id: Args.string({
      description: 'Id of a finding, or code of a reason; what stands behind its colon is ignored.',
      multiple: true,
      ignoreStdin: true,
    }),
  };

  override async run(): Promise<ExplainResult> {
    const { args } = await this.parse(Explain);
    const asked = args.id?.map(find);
    const explanations = asked ?? [...EXPLANATIONS.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    const result = {
      target: asked ? explanations.map(({ id }) => id).join(' ') : null,
      status: 'ok' as const,
      summary:
        asked?.length === 1
          ? (asked[0]?.what ?? '')
          : `${explanations.length} findings and reasons are explained.`,
      checks: [],
      explanations,
    };
    return this.emit(result, ({ explanations: all }, columns) =>
      asked ? renderExplanations(all, columns) : renderExplanationList(all, columns),
    );
  }
}

function find(id: string): Explanation {
  const known = explanationOf(id);
  if (known) return known;
  throw new AppError(`There is no check or reason '${id}'.`, {
    code: 'E_UNKNOWN_CHECK',
    exit: ExitCode.usage,
    hint: existsSync(id)
      ? `A message is explained by "postern message check ${id}", its way by "postern message path ${id}".`
      : (didYouMean(suggestions(id.replace(/:.*$/s, ''), [...EXPLANATIONS.keys()])) ??
        '"postern explain" lists all of them.'),
  });
}
