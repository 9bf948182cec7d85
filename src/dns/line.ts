import type { Socket } from 'node:net';

/** What came of one message on a line. */
export type Exchanged =
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'lost'; readonly error: Error };

/** Replies to nothing that was asked; a server that sends more has lost its way. */
const MAX_STRAY_FRAMES = 64;

/**
 * One connection that carries many questions at a time, told apart by id (RFC 7766 §6.2.1.1). It holds the
 * process only while somebody waits for it.
 */
export class Line {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, (exchanged: Exchanged) => void>();
  readonly #frames = new Frames();
  #unsent: Buffer[] | null = []; // null once the connection is ready
  #strays = 0;
  #usable: boolean = true;

  /** @param ready  the event after which the socket carries our bytes */
  constructor(socket: Socket, ready: 'connect' | 'secureConnect') {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.once(ready, () => this.#flush());
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', (error) => this.#lose(error));
    socket.on('close', () => this.#lose(new Error('the server closed the connection')));
  }

  /** New questions may be put on it. */
  get usable(): boolean {
    return this.#usable;
  }

  isFree(id: number): boolean {
    return !this.#waiting.has(id);
  }

  /** @param id  must be free  @param message  without the length in front */
  async exchange(id: number, message: Buffer, signal: AbortSignal): Promise<Exchanged> {
    const { promise, resolve } = Promise.withResolvers<Exchanged>();
    const stop = () => {
      // A reply may still come and must not meet a later question with the same id.
      this.#usable = false;
      resolve({ kind: 'timeout' });
    };
    this.#waiting.set(id, resolve);
    signal.addEventListener('abort', stop, { once: true });
    this.#socket.ref();
    if (this.#socket.destroyed) resolve({ kind: 'lost', error: new Error('the connection is gone') });
    else if (signal.aborted) stop();
    else this.#send(message);
    const exchanged = await promise;
    signal.removeEventListener('abort', stop);
    this.#release(id);
    return exchanged;
  }

  close(): void {
    this.#lose(new Error('the connection was closed here'));
  }

  #send(message: Buffer): void {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(message.length);
    const bytes = Buffer.concat([length, message]); // RFC 7766 §8: in one segment
    if (this.#unsent === null) this.#socket.write(bytes);
    else this.#unsent.push(bytes);
  }

  #flush(): void {
    for (const bytes of this.#unsent ?? []) this.#socket.write(bytes);
    this.#unsent = null;
  }

  #receive(chunk: Buffer): void {
    for (const bytes of this.#frames.push(chunk)) {
      const settle = bytes.length < 2 ? undefined : this.#waiting.get(bytes.readUInt16BE(0));
      if (settle !== undefined) settle({ kind: 'bytes', bytes });
      else this.#strays += 1;
    }
    if (this.#strays > MAX_STRAY_FRAMES) this.#lose(new Error('the server sent replies to nothing'));
  }

  #lose(error: Error): void {
    this.#usable = false;
    this.#socket.destroy();
    for (const settle of this.#waiting.values()) settle({ kind: 'lost', error });
  }

  #release(id: number): void {
    this.#waiting.delete(id);
    if (this.#waiting.size > 0) return;
    if (this.#usable && this.#unsent === null) this.#socket.unref();
    else this.#socket.destroy();
  }
}

/** Cuts a stream of bytes at the two-byte lengths of RFC 1035 §4.2.2; holds one message at most. */
export class Frames {
  #held: Buffer[] = [];
  #size = 0;
  #need = 2;

  /** @returns the messages that are complete now */
  push(chunk: Buffer): Buffer[] {
    this.#held.push(chunk);
    this.#size += chunk.length;
    if (this.#size < this.#need) return [];
    const all = Buffer.concat(this.#held);
    const messages: Buffer[] = [];
    let at = 0;
    while (all.length - at >= 2) {
      const end = at + 2 + all.readUInt16BE(at);
      if (end > all.length) break;
      messages.push(all.subarray(at + 2, end));
      at = end;
    }
    this.#keep(all.subarray(at));
    return messages;
  }

  #keep(rest: Buffer): void {
    this.#held = [rest];
    this.#size = rest.length;
    this.#need = rest.length < 2 ? 2 : 2 + rest.readUInt16BE(0);
  }
}
