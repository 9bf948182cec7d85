import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/base.ts';
import { withEnvironment } from '../src/cli/flags.ts';
import { renderTransportStory } from '../src/cli/render/demo.ts';
import { dim, line, strong } from '../src/cli/text.ts';
import { checkTransport, statusOf, tellTransport } from '../src/demo/transport.ts';
import { startTransportLab, type TransportLab } from '../src/demo/transport-lab.ts';
import type { DemoResult } from '../src/schema/demo.ts';

export default class Demo extends BaseCommand {
  static override summary = 'Show the toolkit at work on this machine: no network, no privilege.';
  static override description =
    'Starts servers on loopback, runs the same code on them that the commands run, tells what happened, and ends ' +
    'by itself. With --keep the servers stay until Ctrl-C, and the flags that reach them are printed.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --keep',
  ];
  static override args = {
    story: Args.string({
      description: 'Which story; "all" tells every one there is.',
      options: ['transport', 'all'],
      default: 'transport',
      ignoreStdin: true,
    }),
  };
  static override flags = withEnvironment({
    keep: Flags.boolean({ summary: 'Leave the servers running until Ctrl-C.' }),
  });

  override async run(): Promise<DemoResult> {
    const { flags } = await this.parse(Demo);
    const lab = await startTransportLab(Date.now());
    try {
      const story = await tellTransport(lab, this.signal);
      const checks = checkTransport(story);
      const status = statusOf(checks);
      const result: DemoResult = {
        target: null,
        status,
        summary:
          status === 'ok' ? 'The demonstration went as it should.' : 'The demonstration went another way.',
        checks,
        stories: [story],
      };
      this.emit(result, (_, columns) => renderTransportStory(story, columns));
      if (flags.keep) await this.keep(lab);
      return result;
    } finally {
      await lab.close();
    }
  }

  /** Tell how to reach the servers, and wait until somebody stops it. */
  private async keep(lab: TransportLab): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), 'postern-demo-'));
    const ca = join(folder, 'ca.pem');
    try {
      writeFileSync(ca, lab.caPem);
      const where = `--resolver ${lab.resolver} --port ${lab.port} --https-port ${lab.httpsPort} --no-cache --allow-private --ca ${ca}`;
      this.note([]);
      this.note(line`${strong('The servers are running. In another terminal:')}`);
      this.note(line`  postern mx probe good.test dane.test strict.test ${where}`);
      this.note(line`  postern send --from you@sender.test --to support@closes.test ${where}`);
      this.note(line`${dim('Ctrl-C ends them.')}`);
      await this.stopped();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
}
