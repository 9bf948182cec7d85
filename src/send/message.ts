import { AppError, ExitCode } from '../errors.ts';

/** A message ready to be sent. */
export type Prepared = {
  /** With CRLF and without a bare CR or LF; not dot-stuffed. */
  readonly bytes: Buffer;
  readonly messageId: string | null;
  /** Whether it holds bytes above 127, so that 8BITMIME is needed (RFC 6152). */
  readonly eightBit: boolean;
  /** `TLS-Required: No`: its author prefers plaintext to no delivery (RFC 8689 §3). */
  readonly tlsOptional: boolean;
};

const CR = 13;
const LF = 10;
const DOT = 46;

/**
 * Line ends as SMTP wants them: every CRLF, bare CR and bare LF becomes CRLF, so that no server can read an
 * end of data where we meant none (RFC 5321 §2.3.8, §4.1.1.4: SMTP smuggling). Ends with CRLF.
 */
export function withCrlf(bytes: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(bytes.length * 2 + 2);
  let size = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0;
    if (byte !== CR && byte !== LF) {
      out[size++] = byte;
      continue;
    }
    if (byte === CR && bytes[i + 1] === LF) i++;
    out[size++] = CR;
    out[size++] = LF;
  }
  if (size === 0 || out[size - 1] !== LF) {
    out[size++] = CR;
    out[size++] = LF;
  }
  return out.subarray(0, size);
}

/** The message as it goes over the wire after DATA: leading dots doubled, ended by a dot (RFC 5321 §4.5.2). */
export function dotStuffed(bytes: Uint8Array): Buffer {
  const parts: Uint8Array[] = [];
  let begun = 0;
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] !== DOT || (i > 0 && bytes[i - 1] !== LF)) continue;
    parts.push(bytes.subarray(begun, i), Buffer.of(DOT));
    begun = i;
  }
  return Buffer.concat([...parts, bytes.subarray(begun), Buffer.from('.\r\n')]);
}

/** End of the header section: the position of the empty line, or the whole length. */
function headerEnd(bytes: Buffer): number {
  if (bytes.subarray(0, 2).equals(Buffer.from('\r\n'))) return 0;
  const end = bytes.indexOf('\r\n\r\n');
  return end === -1 ? bytes.length : end + 2;
}

function hasField(header: string, name: string): boolean {
  return new RegExp(`^${name}[ \\t]*:`, 'im').test(header);
}

/** RFC 5322 date in UTC. */
function dateField(ms: number): string {
  return new Date(ms).toUTCString().replace('GMT', '+0000');
}

/**
 * Make what was read ready to be sent: CRLF, and Date and Message-ID where they are missing (RFC 5321 §6.4
 * lets a submitter add them).
 *
 * @throws AppError E_NOT_A_MESSAGE (exit 65) for what has no header
 */
export function prepareMessage(raw: Uint8Array, { id, nowMs }: { id: string; nowMs: number }): Prepared {
  const bytes = withCrlf(raw);
  const end = headerEnd(bytes);
  const header = bytes.subarray(0, Math.min(end, 1024 * 1024)).toString('latin1');
  if (!/^[!-9;-~]+[ \t]*:/.test(header)) {
    throw new AppError('What is to be sent does not begin with a header field.', {
      code: 'E_NOT_A_MESSAGE',
      exit: ExitCode.input,
      hint: 'Give a whole message: header fields such as "Subject: …", an empty line, the text.',
    });
  }
  const known = /^Message-ID[ \t]*:\s*(<[^>\r\n]{1,990}>)/im.exec(header)?.[1];
  const missing = [
    ...(hasField(header, 'Date') ? [] : [`Date: ${dateField(nowMs)}\r\n`]),
    ...(hasField(header, 'Message-ID') ? [] : [`Message-ID: ${id}\r\n`]),
  ].join('');
  const whole = Buffer.concat([Buffer.from(missing), bytes]);
  return {
    bytes: whole,
    messageId: known ?? (missing.includes('Message-ID') ? id : null),
    eightBit: whole.some((byte) => byte > 127),
    tlsOptional: /^TLS-Required[ \t]*:[ \t]*No[ \t]*\r?$/im.test(header),
  };
}

/** The message that is sent when none is given. */
export function testMessage(from: string, to: readonly string[]): Buffer {
  return Buffer.from(
    [
      `From: <${from}>`,
      `To: ${to.map((address) => `<${address}>`).join(',\r\n ')}`,
      'Subject: Test message',
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=us-ascii',
      'Auto-Submitted: auto-generated',
      '',
      'This is a test of mail delivery, sent by "postern send".',
      'The Received lines above tell whether it was encrypted on its way:',
      '"postern message path" reads them.',
      '',
    ].join('\r\n'),
  );
}
