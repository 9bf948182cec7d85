import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { printable, ReplyReader, replyText } from '../../../src/smtp/reply.ts';

function read(...chunks: string[]) {
  const reader = new ReplyReader();
  for (const chunk of chunks) reader.push(Buffer.from(chunk, 'latin1'));
  return { reader, reply: reader.next() };
}

describe('a reply', () => {
  test.for([
    ['one line', '220 mx.example ESMTP\r\n', 220, ['mx.example ESMTP']],
    [
      'several lines',
      '250-mx.example\r\n250-SIZE 1000\r\n250 STARTTLS\r\n',
      250,
      ['mx.example', 'SIZE 1000', 'STARTTLS'],
    ],
    ['a code alone', '354\r\n', 354, ['']],
    ['an empty text', '250 \r\n', 250, ['']],
    ['bytes that are no ASCII', '220 mx\x1b[31m \xe9\r\n', 220, ['mx\\x1b[31m \\xe9']],
  ] as const)('%s', ([, text, code, lines]) => {
    expect(read(text).reply).toEqual({ code, lines, oddities: [] });
  });

  test('comes whole however it is cut into pieces', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 60 }), { maxLength: 10 }), (cuts) => {
        const text = '250-mx.example Hello\r\n250-SIZE 1000\r\n250 STARTTLS\r\n';
        const edges = [0, ...cuts.map((cut) => cut % text.length).sort((a, b) => a - b), text.length];
        const reader = new ReplyReader();
        let reply: unknown;
        for (const [index, edge] of edges.slice(1).entries()) {
          reader.push(Buffer.from(text.slice(edges[index], edge)));
          reply ??= reader.next();
        }
        expect(reply).toEqual({
          code: 250,
          lines: ['mx.example Hello', 'SIZE 1000', 'STARTTLS'],
          oddities: [],
        });
      }),
    );
  });

  test('leaves what follows it as surplus', () => {
    const { reader, reply } = read('220 go ahead\r\n250 injected');
    expect(reply?.code).toBe(220);
    expect(Buffer.from(reader.surplus).toString()).toBe('250 injected');
  });

  test('that ends its lines with LF alone is taken, and the habit is noted', () => {
    expect(read('220 mx.example\n').reply?.oddities).toEqual(['bare-lf']);
  });

  test('with a line of 9,000 bytes is taken, and the habit is noted', () => {
    expect(read(`220 ${'x'.repeat(9000)}\r\n`).reply?.oddities).toEqual(['long-line']);
  });
});

describe('what is no reply ends the reading with its reason', () => {
  test.for([
    ['text', 'SSH-2.0-OpenSSH\r\n', 'protocol'],
    ['a code of two digits', '25 ok\r\n', 'protocol'],
    ['different codes in one reply', '250-one\r\n220 two\r\n', 'protocol'],
    ['a line without end', `220 ${'x'.repeat(20_000)}`, 'reply-too-long'],
    ['a line of 1 MB', `220 ${'x'.repeat(1_000_000)}\r\n`, 'reply-too-long'],
    ['3,000 lines', '220-hello\r\n'.repeat(3000), 'reply-too-long'],
    ['lines of more than 64 KiB in all', `220-${'x'.repeat(1000)}\r\n`.repeat(100), 'reply-too-long'],
  ] as const)('%s', ([, text, kind]) => {
    const { reader, reply } = read(text);
    expect(reply).toBeUndefined();
    expect(reader.fault?.kind).toBe(kind);
    expect(reader.fault?.evidence.length).toBeLessThanOrEqual(81);
  });

  test('and any bytes at all are told from a reply without an exception', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
        const reader = new ReplyReader();
        reader.push(bytes);
        while (reader.next());
        expect(/^[\x20-\x7e]*$/.test(reader.fault?.evidence ?? '')).toBe(true);
      }),
    );
  });
});

test('bytes are shown as printable ASCII, cut with a sign', () => {
  expect(printable(Buffer.from('a\r\n\x00b'))).toBe('a\\x0d\\x0a\\x00b');
  expect(printable(Buffer.from('abcdef'), 3)).toBe('abc…');
});

test('a reply is quoted in one line', () => {
  expect(replyText({ code: 550, lines: ['5.1.1 no', 'such user'], oddities: [] })).toBe(
    '550 5.1.1 no / such user',
  );
});
