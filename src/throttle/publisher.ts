import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { nextChangeMs } from './enforced.ts';
import type { Warden } from './warden.ts';

/** What a web server is told by files. */
export type Writer = {
  /** Make the folder. */
  prepare(): Promise<void>;
  /** Write what changed since the last time. @returns whether anything did */
  write(warden: Warden): Promise<boolean>;
  /** Shortest time between two changes, in milliseconds. */
  readonly coalescedMs: number;
  /** Longest time after which it is written again, whether anything changed or not. */
  readonly longestMs: number;
};

/** A writer does nothing else for so many times as long as it took. */
const REST = 4;

/** What a file consists of: all of it, or runs by their places. */
export type Content = string | readonly { readonly at: number; readonly bytes: Uint8Array }[];

/**
 * Put a file in place of another, as a whole and for everybody to read.
 *
 * @param modifiedMs  its time of modification, where that has to be told from the one before
 */
export async function replaceFile(
  folder: string,
  name: string,
  content: Content,
  modifiedMs?: number,
): Promise<void> {
  const temporary = join(folder, `.${name}`);
  const file = await open(temporary, 'w', 0o644);
  try {
    if (typeof content === 'string') await file.writeFile(content);
    else for (const { at, bytes } of content) await file.write(bytes, 0, bytes.length, at);
    // Whatever the umask of the service is: the web server is another user.
    await file.chmod(0o644);
    if (modifiedMs !== undefined) await file.utimes(modifiedMs / 1000, modifiedMs / 1000);
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(temporary, join(folder, name));
}

/** Keeps the files that a web server reads in step with the warden: changes that come close together go together. */
export class Publisher {
  private readonly warden: Warden;
  private readonly writer: Writer;
  private readonly onError: (error: unknown) => void;
  private notBeforeMs = Number.NEGATIVE_INFINITY;
  private timer: NodeJS.Timeout | undefined;
  private dueMs = Number.POSITIVE_INFINITY;
  private writing: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(warden: Warden, writer: Writer, onError: (error: unknown) => void) {
    this.warden = warden;
    this.writer = writer;
    this.onError = onError;
  }

  async start(): Promise<void> {
    await this.writer.prepare();
    await this.publish();
  }

  /** Something changed: write it at the next moment at which that is allowed. */
  changed(): void {
    this.schedule(0);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.writing;
  }

  private schedule(inMs: number): void {
    const begunMs = performance.now();
    const dueMs = Math.max(begunMs + inMs, this.notBeforeMs);
    if (this.stopped || dueMs >= this.dueMs) return;
    clearTimeout(this.timer);
    this.dueMs = dueMs;
    this.timer = setTimeout(() => {
      this.dueMs = Number.POSITIVE_INFINITY;
      this.writing = this.writing.then(() => this.publish());
    }, dueMs - begunMs);
    this.timer.unref();
  }

  private async publish(): Promise<void> {
    const begunMs = performance.now();
    let failed = false;
    const wrote = await this.writer.write(this.warden).catch((error: unknown) => {
      this.onError(error);
      failed = true;
      return true;
    });
    const endMs = performance.now();
    if (wrote)
      this.notBeforeMs = Math.max(begunMs + this.writer.coalescedMs, endMs + REST * (endMs - begunMs));
    const next = failed ? 0 : nextChangeMs(this.warden) - this.warden.nowMs;
    this.schedule(Math.max(0, Math.min(this.writer.longestMs, next)));
  }
}
