import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { renderModhex } from '../../src/cli/render/otp.ts';
import { AppError, ExitCode } from '../../src/errors.ts';
import { decodeModhex, encodeModhex, recoverModhex } from '../../src/otp/modhex.ts';
import type { OtpModhexResult } from '../../src/schema/otp.ts';

/** Longer texts are no identifiers. */
const MAX_CHARS = 1000;

function notA(kind: string, text: string): AppError {
  return new AppError(`'${text.slice(0, 80)}' is no ${kind}.`, {
    code: 'E_MODHEX',
    exit: ExitCode.input,
    hint: 'Modhex has the letters cbdefghijklnrtuv, two a byte; say with --from what you have.',
  });
}

function convert(
  text: string,
  from: 'hex' | 'modhex' | 'number',
): Pick<OtpModhexResult, 'modhex' | 'hex' | 'layout'> {
  if (text.length > MAX_CHARS) throw notA(from, text);
  if (from === 'modhex') {
    const recovered = recoverModhex(text);
    const bytes = recovered && decodeModhex(recovered.modhex);
    if (!recovered || !bytes) throw notA('modhex', text);
    return { ...recovered, hex: bytes.toString('hex') };
  }
  const digits =
    from === 'hex' ? text.toLowerCase() : /^\d{1,20}$/.test(text) ? BigInt(text).toString(16) : '';
  const even = digits.length % 2 === 1 && from === 'number' ? `0${digits}` : digits;
  if (!/^([0-9a-f]{2})+$/.test(even))
    throw notA(from === 'hex' ? 'hexadecimal text of whole bytes' : 'number', text);
  return { modhex: encodeModhex(Buffer.from(even, 'hex')), hex: even, layout: 'as typed' };
}

export default class OtpModhex extends BaseCommand {
  static override summary = 'Convert between hexadecimal and modhex.';
  static override description =
    'Modhex is hexadecimal in letters that most keyboards have at the same place. What caps lock, a Dvorak or a ' +
    'Turkish keyboard made of it is undone.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> b565716f',
    '<%= config.bin %> <%= command.id %> nghgibhv --from modhex',
  ];
  static override args = {
    text: Args.string({ description: 'What to convert.', required: true, ignoreStdin: true }),
  };
  static override flags = withEnvironment({
    from: Flags.option({
      summary: 'What it is; a serial number is a number.',
      options: ['hex', 'modhex', 'number'] as const,
      default: 'hex' as const,
    })(),
  });

  override async run(): Promise<OtpModhexResult> {
    const { args, flags } = await this.parse(OtpModhex);
    const converted = convert(args.text.trim(), flags.from);
    const result: OtpModhexResult = {
      target: args.text,
      status: 'ok',
      summary: `${converted.hex} is ${converted.modhex} in modhex.`,
      checks: [],
      ...converted,
    };
    return this.emit(result, renderModhex);
  }
}
