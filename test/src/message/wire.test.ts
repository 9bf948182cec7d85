import { expect, test } from 'vitest';
import { toWire } from '../../../src/message/wire.ts';

const wire = (text: string) => {
  const { head, body, lineEnds } = toWire(Buffer.from(text, 'latin1'));
  return [head.toString('latin1'), body?.toString('latin1') ?? null, lineEnds] as const;
};

test.for([
  ['CRLF stays', 'A: 1\r\n\r\nx\r\n', ['A: 1\r\n', 'x\r\n', 'crlf']],
  ['LF becomes CRLF', 'A: 1\n\nx\n', ['A: 1\r\n', 'x\r\n', 'lf']],
  ['a mixture is told', 'A: 1\r\nB: 2\n\r\nx\n', ['A: 1\r\nB: 2\r\n', 'x\r\n', 'mixed']],
  ['a bare CR is text', 'A: 1\rB: 2\r\n\r\nx', ['A: 1\rB: 2\r\n', 'x', 'crlf']],
  ['no empty line, no body', 'A: 1\r\nB: 2\r\n', ['A: 1\r\nB: 2\r\n', null, 'crlf']],
  ['an empty body is one', 'A: 1\n\n', ['A: 1\r\n', '', 'lf']],
  ['an empty first line ends the header', '\nA: 1\n', ['', 'A: 1\r\n', 'lf']],
  ['the line of a mailbox goes', 'From a@b Tue\nA: 1\n\nx', ['A: 1\r\n', 'x', 'lf']],
  ['a byte order mark goes', '\xef\xbb\xbfA: 1\n\nx', ['A: 1\r\n', 'x', 'lf']],
  ['a LF behind CRLF is bare', 'A: 1\r\n\nx', ['A: 1\r\n', 'x', 'mixed']],
  ['nothing', '', ['', null, 'crlf']],
] as const)('%s', ([, text, expected]) => {
  expect(wire(text)).toEqual(expected);
});
