import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** How much of what a server sends in place of TLS is kept to be quoted. */
const KEPT = 80;

/**
 * A socket seen through: TLS runs on top of it while the first bytes of the server stay known. A server (or
 * a proxy) that answers a ClientHello with text can then be quoted.
 */
export class Tap extends Duplex {
  /** The first bytes that came in. */
  first = Buffer.alloc(0);
  private readonly socket: Socket;

  constructor(socket: Socket) {
    super({ allowHalfOpen: true });
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      if (this.first.length < KEPT) {
        this.first = Buffer.concat([this.first, chunk.subarray(0, KEPT - this.first.length)]);
      }
      if (!this.push(chunk)) socket.pause();
    });
    socket.once('end', () => this.push(null));
    socket.once('error', (error) => this.destroy(error));
    socket.once('close', () => this.destroy());
  }

  /** Whether what came first is no TLS record (RFC 8446 §5.1: type 20 to 23, then major version 3). */
  get isForeign(): boolean {
    const [type, major] = this.first;
    if (type === undefined) return false;
    return type < 20 || type > 23 || (major !== undefined && major !== 3);
  }

  override _read(): void {
    this.socket.resume();
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.socket.write(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.socket.destroy();
    done(error);
  }
}
