import { mkdir, open, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Warden } from '../warden.ts';
import { type NginxFiles, nextChangeMs, nginxFiles } from './maps.ts';

/** Exists while nginx has not read what was written; the unit that reloads it takes it away. */
export const RELOAD_FLAG = 'reload';

/** Shortest time between two changes that nginx has to read. */
const COALESCED_MS = 1000;

const LONGEST_WAIT_MS = 60_000;

async function replace(folder: string, name: string, content: string): Promise<void> {
  const temporary = join(folder, `.${name}`);
  const file = await open(temporary, 'w', 0o644);
  try {
    await file.writeFile(content);
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(temporary, join(folder, name));
}

/**
 * Keeps the files that nginx includes in step with the warden: each is replaced as a whole, changes of one second go
 * together, and after them a flag asks whoever may do it for a reload. Nothing here runs or signals nginx.
 */
export class NginxPublisher {
  private readonly warden: Warden;
  private readonly folder: string;
  private readonly onError: (error: unknown) => void;
  private written: NginxFiles = new Map();
  private writtenMs = Number.NEGATIVE_INFINITY;
  private timer: NodeJS.Timeout | undefined;
  private dueMs = Number.POSITIVE_INFINITY;
  private writing: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(warden: Warden, folder: string, onError: (error: unknown) => void) {
    this.warden = warden;
    this.folder = folder;
    this.onError = onError;
  }

  async start(): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    await this.publish();
  }

  /** Something changed: write it at the next moment at which that is allowed. */
  changed(): void {
    this.schedule(Math.max(0, this.writtenMs + COALESCED_MS - performance.now()));
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.writing;
  }

  private schedule(inMs: number): void {
    const dueMs = performance.now() + inMs;
    if (this.stopped || dueMs >= this.dueMs) return;
    clearTimeout(this.timer);
    this.dueMs = dueMs;
    this.timer = setTimeout(() => {
      this.dueMs = Number.POSITIVE_INFINITY;
      this.writing = this.writing.then(() => this.publish());
    }, inMs);
    this.timer.unref();
  }

  private async publish(): Promise<void> {
    const files = nginxFiles(this.warden);
    const changed = [...files].filter(([name, content]) => this.written.get(name) !== content);
    try {
      // Clients stand before the blocks that name them; one without the other refuses nobody.
      for (const [name, content] of changed) await replace(this.folder, name, content);
      if (changed.length > 0) {
        await writeFile(join(this.folder, RELOAD_FLAG), '');
        this.writtenMs = performance.now();
      }
      this.written = files;
    } catch (error) {
      this.onError(error);
      this.writtenMs = performance.now();
      this.changed();
    }
    const waitMs = Math.min(LONGEST_WAIT_MS, nextChangeMs(this.warden) - this.warden.nowMs);
    this.schedule(Math.max(waitMs, this.writtenMs + COALESCED_MS - performance.now(), 0));
  }
}
