// Runs in a thread of its own, see pool.ts: it checks messages and hands back rows, until it is ended.
import { parentPort, workerData } from 'node:worker_threads';
import { safeJson } from '../clean.ts';
import { envelope } from '../envelope.ts';
import { describeFailure } from '../failure.ts';
import { mapParallel } from '../parallel.ts';
import { type AnyCheck, type Checker, idOf, type Job, type Order, openChecker } from './checker.ts';
import type { FromWorker, Row, ToWorker } from './pool.ts';

const order = workerData as Order;
const { signal } = new AbortController();

function tell(message: FromWorker, buffers: readonly ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, buffers);
}

/** Bytes of a buffer; the lines of a portion fit in it as a rule. */
const ROOM = 65_536;

/** Lines in buffers that are handed over as they are: texts would be copied there and back. */
class Lines {
  readonly buffers: ArrayBuffer[] = [];
  private room = Buffer.alloc(0);
  private filled = 0;

  add(text: string): Uint8Array {
    const most = text.length * 3; // UTF-8 of a UTF-16 unit
    if (most > this.room.length - this.filled) this.open(Math.max(most, ROOM));
    const start = this.filled;
    this.filled += this.room.write(text, start);
    return new Uint8Array(this.room.buffer, start, this.filled - start);
  }

  private open(length: number): void {
    const buffer = new ArrayBuffer(length);
    this.buffers.push(buffer);
    this.room = Buffer.from(buffer);
    this.filled = 0;
  }
}

function rowOf(job: Job, result: AnyCheck, lines: Lines): Row {
  if (order.head === null) return { kind: 'result', result };
  const { schema, tool } = order.head;
  const line = lines.add(`${safeJson(envelope(result, schema, tool, Date.now(), idOf(job)))}\n`);
  const verdict = 'verdict' in result ? result.verdict : null;
  return { kind: 'line', line, status: result.status, verdict };
}

function failedRow(error: unknown): Row {
  return { kind: 'failure', failure: describeFailure(error, 'postern message check') };
}

async function checkAll(checker: Checker, { number, jobs }: ToWorker): Promise<void> {
  const rows: Row[] = [];
  const lines = new Lines();
  const { parallel } = order.flags;
  await mapParallel(jobs, { parallel, ordered: true, signal }, checker.check, (job, outcome) => {
    rows.push('error' in outcome ? failedRow(outcome.error) : rowOf(job, outcome.value, lines));
  });
  tell({ kind: 'rows', number, rows }, lines.buffers);
}

try {
  const checker = await openChecker(order, signal);
  parentPort?.on('message', (work: ToWorker) => void checkAll(checker, work));
  tell({ kind: 'ready' });
} catch (error) {
  tell({ kind: 'refused', failure: describeFailure(error, 'postern message check') });
}
