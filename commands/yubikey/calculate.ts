import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { oneKeyFlags, slotFlag, slotOf, withKeyOf } from '../../src/cli/desk.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { readWhole } from '../../src/cli/input.ts';
import { renderResponse } from '../../src/cli/render/yubikey.ts';
import { line } from '../../src/cli/text.ts';
import { AppError, ExitCode } from '../../src/errors.ts';
import type { YubikeyCalculateResult } from '../../src/schema/yubikey.ts';
import { answerHmac, answerYubico } from '../../src/yubikey/read.ts';
import { refusal, requireAbility, requireProgrammed } from '../../src/yubikey/refusal.ts';
import type { OpenKey } from '../../src/yubikey/survey.ts';

/** Room for 64 bytes in hexadecimal and a line end. */
const MAX_BYTES = 4096;

type Kind = 'hmac-sha1' | 'yubico';

function challengeFrom(bytes: Buffer, isHex: boolean, kind: Kind): Uint8Array {
  const text = bytes.toString('latin1').trim();
  const challenge = isHex ? Buffer.from(text, 'hex') : bytes;
  const fits = kind === 'yubico' ? challenge.length === 6 : challenge.length > 0 && challenge.length <= 64;
  if (fits && (!isHex || challenge.length * 2 === text.length)) return challenge;
  throw new AppError('The challenge does not fit.', {
    code: 'E_CHALLENGE',
    exit: ExitCode.input,
    hint: kind === 'yubico' ? 'It has 6 bytes.' : 'It has 1 to 64 bytes; with --hex, two digits a byte.',
  });
}

export default class YubikeyCalculate extends BaseCommand {
  static override summary = 'Have a slot of a YubiKey answer a challenge.';
  static override description =
    'Reads the challenge from standard input or a file, byte for byte, and prints the response in hexadecimal.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --slot 2 --challenge-file challenge.bin',
    '<%= config.bin %> <%= command.id %> --slot 2 --hex',
  ];
  static override flags = {
    ...oneKeyFlags,
    ...slotFlag,
    ...withEnvironment({
      'challenge-file': Flags.string({
        summary: 'Where the challenge is; "-" is standard input.',
        default: '-',
        helpValue: 'FILE',
      }),
      hex: Flags.boolean({ summary: 'The challenge is written in hexadecimal.' }),
      kind: Flags.option({
        summary: 'What the slot holds.',
        options: ['hmac-sha1', 'yubico'] as const,
        default: 'hmac-sha1' as const,
      })(),
    }),
  };

  override async run(): Promise<YubikeyCalculateResult> {
    const { flags } = await this.parse(YubikeyCalculate);
    const slot = slotOf(flags);
    const bytes = await readWhole(flags['challenge-file'], MAX_BYTES);
    const challenge = challengeFrom(bytes, flags.hex, flags.kind);
    let told = false;
    const onTouch = () => {
      if (!told) this.note(line`Touch the key.`);
      told = true;
    };
    const ask = async ({ wire, status, info, view }: OpenKey): Promise<YubikeyCalculateResult> => {
      requireAbility(status.version, 'challenge and response');
      requireProgrammed(status, slot);
      const answer = flags.kind === 'yubico' ? answerYubico : answerHmac;
      const response = await answer(wire, slot, challenge);
      if (!response) throw refusal('challenge', { slot, status, info, codeOffered: false });
      return {
        target: view.serial === null ? view.node : String(view.serial),
        status: 'ok',
        summary: `Slot ${slot} has answered.`,
        checks: [],
        serial: view.serial,
        slot,
        response: response.toString('hex'),
      };
    };
    return this.emit(await withKeyOf(flags, this.signal, ask, onTouch), renderResponse);
  }
}
