import { AppError, ExitCode } from '../errors.ts';
import { type Field, readHeader } from '../message/headers.ts';
import { whyNotMessage } from '../message/recognise.ts';

/** A message taken apart as far as commands need it. */
export type MessageInput = {
  readonly fields: readonly Field[];
  readonly truncated: boolean;
  /** Undefined when only a header block was given. */
  readonly body: Uint8Array | undefined;
};

/** What was read is no message. */
export function noMessage(name: string, reason: string): AppError {
  return new AppError(`${name === '-' ? 'Standard input' : `'${name}'`} is ${reason}.`, {
    code: 'E_NOT_A_MESSAGE',
    exit: ExitCode.input,
    hint: 'Give a message as it was received (.eml), or its header lines, by the name of a file or on standard input.',
  });
}

/**
 * Header fields and body of what was read.
 *
 * @param name  of the input, for the error
 * @throws AppError E_NOT_A_MESSAGE (exit 65) for what is neither a message nor a header block
 */
export function readMessage(name: string, bytes: Buffer): MessageInput {
  const header = readHeader(bytes);
  const reason = whyNotMessage(bytes, header);
  if (reason !== null) throw noMessage(name, reason);
  const { fields, truncated, bodyStart } = header;
  return { fields, truncated, body: bodyStart === null ? undefined : bytes.subarray(bodyStart) };
}
