import type { Socket } from 'node:net';
import { Line } from './line.ts';
import { NO_REPLY, networkFailure, type Outcome, type Transport } from './transport.ts';
import type { RecordType } from './types.ts';
import { buildQuery, decodeReply, type Query, type Question } from './wire.ts';

/** How to open a connection, and the event after which it carries our bytes. */
export type OpenSocket = () => Promise<{
  readonly socket: Socket;
  readonly ready: 'connect' | 'secureConnect';
}>;

export type StreamOptions = {
  readonly open: OpenSocket;
  readonly label: string;
  readonly pad: boolean;
  readonly random: (lengthBytes: number) => Uint8Array;
};

/**
 * DNS over a connection, TCP or TLS, which is kept for the next questions (RFC 7766 §6.2.1). A kept
 * connection that turns out to be gone is opened again once. `believed` is false: the caller knows better.
 */
export function createStream(options: StreamOptions): Transport {
  const lines = new Set<Line>();
  let kept: Promise<Line> | null = null;
  let closed = false;

  async function openLine(): Promise<Line> {
    const { socket, ready } = await options.open();
    const line = new Line(socket, ready);
    lines.add(line);
    socket.once('close', () => lines.delete(line));
    if (closed) line.close();
    return line;
  }

  /** @returns the line to use, and whether it was opened for this very question */
  async function line(): Promise<{ line: Line; fresh: boolean }> {
    while (kept !== null) {
      const held = kept;
      const line = await held.catch(() => null);
      if (line?.usable === true) return { line, fresh: false };
      if (kept === held) kept = null; // else somebody who waited, too, has opened the next
    }
    kept = openLine();
    return { line: await kept, fresh: true };
  }

  function close(): void {
    closed = true;
    for (const line of lines) line.close();
  }

  async function askOnce<T extends RecordType>(question: Question<T>, signal: AbortSignal) {
    const { line: on, fresh } = await line();
    const query = buildQuery(question, {
      id: freeId(on, options.random),
      caseBits: null, // who is on the connection need not guess
      pad: options.pad,
    });
    return { query, fresh, exchanged: await on.exchange(query.id, query.bytes, signal) };
  }

  async function ask<T extends RecordType>(question: Question<T>, signal: AbortSignal): Promise<Outcome<T>> {
    try {
      let { query, fresh, exchanged } = await askOnce(question, signal);
      if (exchanged.kind === 'lost' && !fresh) ({ query, exchanged } = await askOnce(question, signal));
      if (exchanged.kind === 'timeout') return NO_REPLY;
      if (exchanged.kind === 'lost') return networkFailure(exchanged.error);
      return judgeBytes(exchanged.bytes, query);
    } catch (error) {
      return networkFailure(error);
    }
  }

  return { label: options.label, ask, close };
}

/** An id that no question under way has; the line takes far fewer than there are. */
function freeId(line: Line, random: (lengthBytes: number) => Uint8Array): number {
  let id = Buffer.from(random(2)).readUInt16BE();
  while (!line.isFree(id)) id = (id + 1) & 0xffff;
  return id;
}

/** A whole message from a connection: what is wrong with it now is wrong for good. */
export function judgeBytes<T extends RecordType>(bytes: Buffer, query: Query<T>): Outcome<T> {
  const decoded = decodeReply(bytes, query);
  if (decoded.kind === 'malformed') return malformed(`the reply holds ${decoded.reason}`);
  if (decoded.kind === 'foreign') return malformed(`the reply is to another ${decoded.what}`);
  if (decoded.reply.truncated) return malformed('the reply was cut although the way is long enough');
  return { kind: 'reply', reply: decoded.reply, believed: false };
}

function malformed(message: string): Outcome<never> {
  return { kind: 'failed', code: 'MALFORMED', message };
}
