import { BaseCommand } from '../../src/cli/base.ts';
import { checkConfigFile } from '../../src/cli/config-check.ts';
import { FINDING_FORMATS, formatFlag } from '../../src/cli/flags.ts';
import { loadKnownFlags } from '../../src/cli/known-flags.ts';
import { renderConfigCheck } from '../../src/cli/render/config.ts';
import { configFiles } from '../../src/cli/settings.ts';
import { worst } from '../../src/report.ts';
import type { ConfigCheckResult } from '../../src/schema/config.ts';

export default class ConfigCheck extends BaseCommand {
  static override summary =
    'Check the configuration files: form, names and values, with the line of each fault.';
  static override description =
    'Reads the files that every command reads, or the one that --config names. Critical is what a command would ' +
    'refuse; a warning is what has no effect, such as a mistyped name.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --config ./config.json --format github',
  ];
  static override configured = false;
  static override flags = { format: formatFlag(['text', 'json', 'jsonl', ...FINDING_FORMATS]) };

  override async run(): Promise<ConfigCheckResult> {
    const { flags } = await this.parse(ConfigCheck);
    const known = await loadKnownFlags(this.config);
    const checked = await Promise.all(
      configFiles(process.env, flags.config).map(({ file, required }) =>
        checkConfigFile(file, required, known),
      ),
    );
    const findings = checked.flatMap((each) => each.findings);
    const count = findings.length;
    const result: ConfigCheckResult = {
      target: null,
      status: worst(findings.map(({ check }) => check.status)),
      summary:
        count === 0
          ? 'The configuration is as it should be.'
          : `${count === 1 ? 'One thing is' : `${count} things are`} wrong in the configuration.`,
      checks: findings.map(({ where, check }) => ({ ...check, evidence: where })),
      files: checked.map(({ file, found }) => ({ file, found })),
    };
    return this.emit(result, {
      text: (_, columns) => renderConfigCheck(result, findings, columns),
      findings: () => findings,
    });
  }
}
