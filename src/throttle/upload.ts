import type { IncomingMessage } from 'node:http';
import { Worker } from 'node:worker_threads';
import { AppError, ExitCode } from '../errors.ts';
import { workerUrl } from '../worker-url.ts';
import type { WindowType } from './engine.ts';

/** A log that somebody sends, and what is to be done with it. */
export type Uploaded = {
  /** Of the file, to be shown. */
  readonly name: string;
  readonly window: WindowType;
  readonly site: string | null;
  readonly prefix: number;
};

export type FromWorker =
  | { readonly kind: 'taken' }
  | { readonly kind: 'too large' }
  /** The result as JSON: its shape is that of `throttle simulate`, with fewer clients. */
  | { readonly kind: 'done'; readonly result: string };

/** Largest upload, in bytes; it may be compressed. */
const MOST_UPLOAD = 512e6;

/** Pieces that may wait for the worker: the rest waits at the sender. */
const MOST_WAITING = 16;

/** How long an upload with its simulation may take, in milliseconds. */
const LONGEST_MS = 600_000;

function tooLarge(): AppError {
  return new AppError('The log is too large for this.', {
    code: 'E_TOO_LARGE',
    exit: ExitCode.input,
    hint: 'On the machine where it lies: postern throttle simulate FILE.',
  });
}

function busy(): AppError {
  return new AppError('Another log is being simulated.', {
    code: 'E_BUSY',
    exit: ExitCode.unavailable,
    hint: 'Wait for its end.',
  });
}

/** Hands pieces to a worker, no faster than it takes them, until it has the result. */
async function feed(worker: Worker, request: AsyncIterable<Uint8Array>, most: number): Promise<string> {
  let waiting = 0;
  let wake: () => void = () => undefined;
  const done = new Promise<string>((resolve, reject) => {
    worker.on('message', (message: FromWorker) => {
      if (message.kind === 'done') resolve(message.result);
      else if (message.kind === 'too large') reject(tooLarge());
      else {
        waiting -= 1;
        wake();
      }
    });
    // Out of memory, for one.
    worker.on('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? tooLarge() : error),
    );
    worker.on('exit', () => reject(tooLarge()));
  });
  const send = async () => {
    let size = 0;
    for await (const chunk of request) {
      size += chunk.length;
      if (size > most) throw tooLarge();
      worker.postMessage(chunk);
      waiting += 1;
      if (waiting >= MOST_WAITING)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
    worker.postMessage(null);
    return done;
  };
  return Promise.race([done, send()]);
}

/** Simulates logs that are sent, one at a time, each in a thread of its own. */
export class Simulator {
  private readonly most: number;
  private running = false;

  /** @param most  largest upload, in bytes */
  constructor(most = MOST_UPLOAD) {
    this.most = most;
  }

  /**
   * @returns JSON
   * @throws AppError E_BUSY, E_TOO_LARGE; whatever ends the sender ends the simulation
   */
  async simulate(request: IncomingMessage, uploaded: Uploaded): Promise<string> {
    if (this.running) throw busy();
    this.running = true;
    const worker = new Worker(workerUrl(import.meta.url, 'simulate-worker'), {
      workerData: uploaded,
      env: {},
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: 768 },
    });
    const timer = setTimeout(() => request.destroy(), LONGEST_MS);
    try {
      return await feed(worker, request, this.most);
    } finally {
      clearTimeout(timer);
      this.running = false;
      await worker.terminate();
    }
  }
}
