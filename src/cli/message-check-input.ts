import { LazyMessage } from '../check/reading.ts';
import { beginsLikeMessage, whyNotMessage } from '../message/recognise.ts';
import { noMessage } from './message-input.ts';

/** Largest message whose body is looked at, in bytes. */
const MAX_MESSAGE = 50_000_000;

/** How much is read: a byte more, to tell what is larger. */
export const READ_BYTES = MAX_MESSAGE + 1;

/**
 * A message as `message check` takes it.
 *
 * @param name  of the input, for the report and the error
 * @param lenient  take text without any header field as well: a case of a batch is what it is
 * @throws AppError E_NOT_A_MESSAGE (exit 65) for what is neither a message nor a header block
 */
export function checkInput(name: string, bytes: Buffer, { lenient = false } = {}): LazyMessage {
  const message = new LazyMessage(name, bytes, bytes.length > MAX_MESSAGE);
  const reason = lenient || beginsLikeMessage(message.fields) ? null : whyNotMessage(bytes, message.header);
  if (reason !== null) throw noMessage(name, reason);
  return message;
}
