import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { readWhole } from '../../src/cli/input.ts';
import { renderTrustOverride } from '../../src/cli/render/trust-lists.ts';
import { localFile } from '../../src/cli/trust-store.ts';
import { parseDomain } from '../../src/dns/names.ts';
import { AppError, ExitCode } from '../../src/errors.ts';
import { privateFolder, replaceFile } from '../../src/registry/files.ts';
import type { TrustOverrideResult } from '../../src/schema/trust-lists.ts';
import { NO_OVERRIDES, type OverridesDocument, readOverrides } from '../../src/trust/overrides.ts';
import { DECISIONS, decideLocally, overridesText } from '../../src/trust/overriding.ts';

const MAX_BYTES = 1024 * 1024;

export default class TrustOverride extends BaseCommand {
  static override summary = 'Decide locally about a domain, over every list.';
  static override description =
    'Without an argument tells the decisions. They are signed by nobody: whoever can write the file decides. A decision ' +
    'takes the place of an earlier one about the same domain.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> partner.example trust --name "Our partner"',
    '<%= config.bin %> <%= command.id %> bank.example distrust',
    '<%= config.bin %> <%= command.id %> partner.example forget',
  ];
  static override args = {
    domain: Args.string({ description: 'Domain to decide about.', ignoreStdin: true }),
    decision: Args.string({
      description:
        'trust; distrust (never trusted); block (its mail is suspicious); open-signup; no-open-signup; sealer (its ARC seals are believed); forget.',
      options: [...DECISIONS],
      ignoreStdin: true,
    }),
  };
  static override flags = withEnvironment({
    name: Flags.string({ summary: 'Name to show, with trust.', helpValue: 'NAME' }),
    subdomains: Flags.boolean({
      summary: 'Names below the domain, too; the default with block and distrust.',
      allowNo: true,
    }),
    file: Flags.string({
      summary: 'Keep the decisions in this file, for --registry, instead of in the configuration.',
      helpValue: 'FILE',
    }),
  });

  override async run(): Promise<TrustOverrideResult> {
    const { args, flags } = await this.parse(TrustOverride);
    const file = flags.file ?? localFile();
    const before = await readLocal(file);
    if (args.domain === undefined) return this.emit(reportOf(before, file, false), renderTrustOverride);
    const decision = DECISIONS.find((each) => each === args.decision);
    if (decision === undefined)
      throw new AppError('What is decided about it?', {
        code: 'E_USAGE',
        exit: ExitCode.usage,
        hint: `Give one of ${DECISIONS.join(', ')} behind the domain.`,
      });
    const overrides = decideLocally(before.overrides, {
      decision,
      domain: nameOf(args.domain),
      name: flags.name ?? null,
      includeSubdomains: flags.subdomains ?? null,
    });
    const after = { ...before, overrides };
    if (flags.file === undefined) privateFolder(dirname(file));
    const changed = overridesText(after) !== overridesText(before);
    if (changed) replaceFile(file, overridesText(after), 0o644);
    return this.emit(reportOf(after, file, changed), renderTrustOverride);
  }
}

async function readLocal(file: string): Promise<OverridesDocument> {
  if (!existsSync(file)) return { registry: null, overrides: NO_OVERRIDES };
  return readOverrides(await readWhole(file, MAX_BYTES), file);
}

function nameOf(text: string): string {
  const name = parseDomain(text, { underscores: true });
  if (name.kind === 'name') return name.ascii;
  throw new AppError(`'${text}' ${name.reason}.`, {
    code: 'E_TARGET',
    exit: ExitCode.usage,
    hint: 'Give a domain such as example.org.',
  });
}

function reportOf({ overrides }: OverridesDocument, file: string, changed: boolean): TrustOverrideResult {
  const { trust, block, openSignup, sealers } = overrides;
  const count =
    trust.length + block.length + openSignup.add.length + openSignup.remove.length + sealers.length;
  const summary = `${count} local ${count === 1 ? 'decision' : 'decisions'}${changed ? '; the last one is kept' : ''}.`;
  return {
    target: null,
    status: 'ok',
    summary,
    checks: [],
    file,
    changed,
    trust,
    block,
    openSignup,
    sealers,
  };
}
