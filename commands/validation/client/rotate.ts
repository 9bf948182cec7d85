import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../../src/cli/base.ts';
import { duration, withEnvironment } from '../../../src/cli/flags.ts';
import { storeFlags } from '../../../src/cli/key-store.ts';
import { renderClientAct } from '../../../src/cli/render/validation.ts';
import { writeSecret } from '../../../src/cli/secrets.ts';
import { actNow, withAdministration } from '../../../src/cli/validation.ts';
import type { ValidationClientActResult } from '../../../src/schema/validation.ts';
import { clientAct } from '../../../src/validation/views.ts';

export default class ValidationClientRotate extends BaseCommand {
  static override summary = 'Give a client a new API key; for a while the old one is taken as well.';
  static override description =
    'Each request is answered with the key that it was signed with, so the client can be changed at any time within the overlap.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> 3',
    '<%= config.bin %> <%= command.id %> 3 --overlap 0s --write-key new.key',
  ];
  static override args = {
    id: Args.integer({ description: 'Number of the client.', required: true, min: 1, ignoreStdin: true }),
  };
  static override flags = {
    ...storeFlags,
    ...withEnvironment({
      overlap: duration({ summary: 'Take the old key for so long as well.', default: 86_400_000 }),
      'at-once': Flags.boolean({
        summary: 'Take the old key no longer: somebody else may have it.',
        exclusive: ['overlap'],
      }),
      'write-key': Flags.string({
        summary: 'Write the new API key to this file; as a rule client-N.key.',
        helpValue: 'FILE',
      }),
    }),
  };

  override async run(): Promise<ValidationClientActResult> {
    const { args, flags } = await this.parse(ValidationClientRotate);
    const result = await withAdministration(
      flags,
      (text) => this.note(text),
      async (office) => {
        const act = actNow();
        const file =
          flags['write-key'] ?? `client-${args.id}-${new Date(act.nowMs).toISOString().slice(0, 10)}.key`;
        const key = await office.rotateClient(args.id, flags['at-once'] ? 0 : flags.overlap, act, (fresh) =>
          writeSecret(file, `${Buffer.from(fresh).toString('base64')}\n`),
        );
        key.fill(0);
        return clientAct(office, args.id, `Client ${args.id} has a new API key.`, file);
      },
    );
    return this.emit(result, renderClientAct);
  }
}
