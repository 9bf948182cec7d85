import type {
  OtpDecodeResult,
  OtpGenerateResult,
  OtpModhexResult,
  OtpVerifyResult,
} from '../../schema/otp.ts';
import { dim, type Line, line, mark, strong, table, wrap } from '../text.ts';
import { renderChecks } from './findings.ts';

/** The fields of an OTP, a line each. */
export function fieldTable({ publicId, fields, privateId, layout }: OtpDecodeResult, indent: number): Line[] {
  const decrypted = fields
    ? [
        ['private id', privateId === 'match' ? 'that of the key' : privateId],
        ['use counter', `${fields.useCounter}`],
        ['session use', `${fields.sessionUse}`],
        ['timestamp', `${fields.timestamp}`],
        ['random', `${fields.random}`],
        ['caps lock', fields.capsLock ? 'yes' : 'no'],
        ['checksum', fields.crcOk ? 'fits' : 'does not fit'],
      ]
    : [];
  const rows = [['public id', publicId || 'none'], ['typed', layout], ...decrypted];
  return table(
    rows.map(([label = '', value = '']) => [dim(label), value]),
    indent,
  );
}

/** What is in an OTP. */
export function renderDecoded(result: OtpDecodeResult, columns: number): Line[] {
  return [
    ...wrap(line`${mark(result.status)}  ${strong(result.summary)}`, columns, 4),
    ...fieldTable(result, 2),
    ...renderChecks(result, columns),
  ];
}

/** The verdict on an OTP, and how it came about. */
export function renderVerified(result: OtpVerifyResult, explain: boolean, columns: number): Line[] {
  const steps = explain ? result.steps.flatMap((step) => wrap(line`  ${dim(step)}`, columns, 2)) : [];
  const refusal = renderChecks(result, columns);
  return [...wrap(line`${mark(result.status)}  ${strong(result.summary)}`, columns, 4), ...steps, ...refusal];
}

/** What was typed, and nothing else. */
export function renderTyped({ typed }: OtpGenerateResult): Line[] {
  return [line`${strong(typed)}`];
}

export function renderModhex({ modhex, hex, layout }: OtpModhexResult): Line[] {
  const rows = [
    [dim('modhex'), strong(modhex)],
    [dim('hex'), hex],
    ...(layout === 'as typed' ? [] : [[dim('typed'), layout]]),
  ];
  return table(rows);
}
