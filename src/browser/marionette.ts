import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { AppError, ExitCode } from '../errors.ts';

/** A conversation with the remote control of a Firefox. */
export type Marionette = {
  /**
   * Have a command done.
   *
   * @throws {AppError} E_FIREFOX, exit 69, when Firefox refuses it, is silent for too long, or has gone
   */
  readonly send: (name: string, parameters?: object) => Promise<unknown>;
  readonly close: () => void;
};

/** Longest message that is taken, in bytes. */
const MAX_BYTES = 64_000_000;

type Waiting = { readonly resolve: (value: unknown) => void; readonly reject: (error: Error) => void };

/** What to say when Firefox does not do what it was asked for. */
export function firefoxFailed(message: string, cause?: unknown): AppError {
  return new AppError(message, {
    code: 'E_FIREFOX',
    exit: ExitCode.unavailable,
    hint: 'Start Firefox once by hand with this profile, end it, and run this again.',
    cause,
  });
}

/** Messages of the form `LENGTH:JSON` in what has arrived, and the rest. */
export function takeMessages(bytes: Buffer): {
  readonly messages: readonly unknown[];
  readonly rest: Buffer;
} {
  const messages: unknown[] = [];
  let rest = bytes;
  for (;;) {
    const colon = rest.indexOf(0x3a);
    if (colon < 0 && rest.length > 10)
      throw firefoxFailed('Firefox’s remote control speaks another protocol.');
    if (colon < 0) return { messages, rest };
    const length = Number(rest.toString('latin1', 0, colon));
    if (!Number.isInteger(length) || length < 0 || length > MAX_BYTES)
      throw firefoxFailed('Firefox’s remote control speaks another protocol.');
    if (rest.length < colon + 1 + length) return { messages, rest };
    messages.push(JSON.parse(rest.toString('utf8', colon + 1, colon + 1 + length)));
    rest = rest.subarray(colon + 1 + length);
  }
}

/** The error of an answer, in one line. */
function reasonOf(error: unknown): string {
  const { message } = error as { readonly message?: unknown };
  return typeof message === 'string' ? (message.split('\n')[0] ?? '') : 'an error without a text';
}

/**
 * Talk to the remote control (Marionette, protocol 3) that listens on a port of loopback.
 *
 * @param timeoutMs  longest wait for one answer
 */
export async function connectMarionette(port: number, timeoutMs: number): Promise<Marionette> {
  const socket = connect(port, '127.0.0.1');
  const waiting = new Map<number, Waiting>();
  let isGreeted: (value: unknown) => void = () => undefined;
  const greeting = new Promise((resolve) => {
    isGreeted = resolve;
  });
  const fail = (error: Error) => {
    socket.destroy();
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  const take = (message: unknown) => {
    if (!Array.isArray(message)) return isGreeted(message);
    const [, id, error, value]: readonly unknown[] = message;
    const asked = waiting.get(Number(id));
    waiting.delete(Number(id));
    if (error) asked?.reject(firefoxFailed(`Firefox answered: ${reasonOf(error)}.`));
    else asked?.resolve(value);
  };
  let pending = Buffer.alloc(0) as Buffer;
  socket.on('data', (chunk: Buffer) => {
    try {
      const { messages, rest } = takeMessages(Buffer.concat([pending, chunk]));
      pending = rest;
      messages.forEach(take);
    } catch (error) {
      fail(error as Error);
    }
  });
  socket.on('error', (error) => fail(firefoxFailed('The connection to Firefox broke.', error)));
  socket.on('close', () => fail(firefoxFailed('Firefox has gone.')));
  await connected(socket);
  await within(greeting, timeoutMs);
  let last = 0;
  return {
    send: (name, parameters = {}) => {
      const id = ++last;
      const answer = new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
      const text = JSON.stringify([0, id, name, parameters]);
      socket.write(`${Buffer.byteLength(text)}:${text}`);
      return within(answer, timeoutMs);
    },
    close: () => socket.destroy(),
  };
}

async function connected(socket: Socket): Promise<void> {
  try {
    await once(socket, 'connect');
  } catch (error) {
    throw firefoxFailed('Firefox’s remote control cannot be reached.', error);
  }
}

/** A promise that fails when it takes too long. */
export async function within<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(firefoxFailed(`Firefox did not answer within ${timeoutMs / 1000} s.`)),
      timeoutMs,
    );
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
