import type { ServerResponse } from 'node:http';
import { AppError, ExitCode } from '../errors.ts';

export type EventHubOptions = {
  /** Most listeners at a time. */
  readonly most?: number;
  /** Bytes that wait for a listener at most; one that reads more slowly is cut off. */
  readonly buffer?: number;
  /** A comment is sent so often, so that both ends notice when the other is gone. */
  readonly beatMs?: number;
};

const MOST = 32;
const BUFFER = 256 * 1024;
const BEAT_MS = 15_000;

/**
 * Tells everybody who listens what happens, as server-sent events (HTML Living Standard §9.2). Nothing is kept for
 * those who are not there, and nobody can make the service keep much by reading slowly.
 */
export class EventHub {
  private readonly most: number;
  private readonly buffer: number;
  private readonly listeners = new Set<ServerResponse>();
  private readonly beat: NodeJS.Timeout;
  private dropped = 0;

  constructor({ most = MOST, buffer = BUFFER, beatMs = BEAT_MS }: EventHubOptions = {}) {
    this.most = most;
    this.buffer = buffer;
    this.beat = setInterval(() => this.send(':\n\n'), beatMs);
    this.beat.unref();
  }

  /** How many listen. */
  get size(): number {
    return this.listeners.size;
  }

  /** How many were cut off because they read too slowly. */
  get cutOff(): number {
    return this.dropped;
  }

  /** @throws AppError E_BUSY (exit 69) when too many listen already */
  admit(): void {
    if (this.listeners.size < this.most) return;
    throw new AppError(`There are ${this.most} listeners already.`, {
      code: 'E_BUSY',
      exit: ExitCode.unavailable,
      hint: 'Close another view first.',
    });
  }

  /** Begin an answer that lasts until one of both ends it. */
  attach(response: ServerResponse): void {
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-accel-buffering': 'no',
    });
    response.write('retry: 3000\n\n');
    this.listeners.add(response);
    const leave = () => this.listeners.delete(response);
    response.on('close', leave).on('error', leave);
  }

  /** @param data  becomes JSON, on one line */
  publish(event: string, data: unknown): void {
    if (this.listeners.size > 0)
      this.send(`event: ${event.replaceAll(/[^\w-]+/g, '-')}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** End every answer. */
  close(): void {
    clearInterval(this.beat);
    for (const each of this.listeners) each.end();
  }

  private send(text: string): void {
    for (const each of this.listeners) {
      if (each.writableLength + text.length > this.buffer) {
        this.dropped += 1;
        this.listeners.delete(each);
        each.destroy();
      } else each.write(text);
    }
  }
}
