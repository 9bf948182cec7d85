import { type FileHandle, open, stat } from 'node:fs/promises';

export type TailOptions = {
  readonly path: string;
  readonly onLine: (line: string) => void;
  /** The file was not there, could not be read, or can be read again. */
  readonly onState: (state: 'reading' | 'missing', reason: string) => void;
};

/** How often it is looked for more. */
const POLL_MS = 100;

/** Read at once, in bytes; between two such reads other work is let in. */
const CHUNK = 262_144;

/** Longest line that is looked at: nginx takes 32 kB of header, and writes a control character as four. */
const LONGEST_LINE = 131_072;

/** A file that was renamed is read for so many looks after its last line: workers of before still write to it. */
const FAREWELL_POLLS = 20;

/** Cuts a stream of bytes into lines. What is longer than {@link LONGEST_LINE} is passed over to its end. */
export class LineCutter {
  private rest = Buffer.alloc(0);
  private skipping = false;
  private dropped = 0;
  private readonly onLine: (line: string) => void;

  constructor(onLine: (line: string) => void) {
    this.onLine = onLine;
  }

  /** Lines that were too long. */
  get tooLong(): number {
    return this.dropped;
  }

  write(chunk: Buffer): void {
    const bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    const end = bytes.lastIndexOf(10);
    if (end !== -1) this.lines(bytes.toString('latin1', 0, end));
    // A copy: what it was cut from is written over by the next read.
    this.rest = Buffer.from(bytes.subarray(end + 1));
    if (this.rest.length <= LONGEST_LINE) return;
    if (!this.skipping) this.dropped += 1;
    this.skipping = true;
    this.rest = Buffer.alloc(0);
  }

  /** The bytes that follow are those of another file. */
  reset(): void {
    this.rest = Buffer.alloc(0);
    this.skipping = false;
  }

  private lines(text: string): void {
    const lines = text.split('\n');
    if (this.skipping) lines.shift();
    this.skipping = false;
    for (const line of lines) this.onLine(line);
  }
}

/**
 * Follows a log that another program writes: lines that are not whole yet wait for their end, a file that was renamed
 * is read to its end before the new one, and one that was cut short is read from its beginning. What stood in the
 * file before the first look is of an earlier time and passed over.
 */
export class Tail {
  private readonly options: TailOptions;
  private readonly cutter: LineCutter;
  private readonly buffer = Buffer.allocUnsafe(CHUNK);
  private file: FileHandle | null = null;
  private inode = 0;
  private offset = 0;
  private farewell = 0;
  private isFirst = true;
  private state = '';
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(options: TailOptions) {
    this.options = options;
    this.cutter = new LineCutter(options.onLine);
  }

  async start(): Promise<void> {
    await this.look();
    this.schedule();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.looking;
    await this.file?.close();
  }

  private schedule(): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.looking = this.look().finally(() => this.schedule());
    }, POLL_MS);
    this.timer.unref();
  }

  private async look(): Promise<void> {
    try {
      if (this.file === null) await this.open();
      const more = await this.drain();
      await this.follow(more);
      this.tell('reading', '');
    } catch (error) {
      this.tell('missing', (error as NodeJS.ErrnoException).code ?? (error as Error).message);
    }
    this.isFirst = false;
  }

  private async open(): Promise<void> {
    const file = await open(this.options.path, 'r');
    const { ino, size } = await file.stat();
    this.file = file;
    this.inode = ino;
    this.offset = this.isFirst ? size : 0;
    this.farewell = 0;
    this.cutter.reset();
  }

  /** Read all that there is. @returns whether there was anything */
  private async drain(): Promise<boolean> {
    const { file } = this;
    if (file === null) return false;
    const { size } = await file.stat();
    if (size < this.offset) {
      this.offset = 0;
      this.cutter.reset();
    }
    const begun = this.offset;
    while (!this.stopped) {
      const { bytesRead } = await file.read(this.buffer, 0, CHUNK, this.offset);
      if (bytesRead === 0) break;
      this.offset += bytesRead;
      this.cutter.write(this.buffer.subarray(0, bytesRead));
    }
    return this.offset > begun;
  }

  /** Go on to a new file of that name when the old one has been silent for a while. */
  private async follow(more: boolean): Promise<void> {
    const now = await stat(this.options.path).catch(() => null);
    if (now === null || now.ino === this.inode) return;
    this.farewell = more ? 0 : this.farewell + 1;
    // A new file that has lines says that its writer is done with the old one, but for workers that end.
    if (this.farewell < (now.size > 0 ? 2 : FAREWELL_POLLS)) return;
    await this.file?.close();
    this.file = null;
    await this.open();
    await this.drain();
  }

  private tell(state: 'reading' | 'missing', reason: string): void {
    if (state === this.state) return;
    this.state = state;
    this.options.onState(state, reason);
  }
}
