// Runs in a thread of its own, see pool.ts: it checks messages and hands back rows, until it is ended.
import { parentPort, workerData } from 'node:worker_threads';
import { escapeJson } from '../clean.ts';
import { describeFailure } from '../failure.ts';
import { mapParallel } from '../parallel.ts';
import { type AnyCheck, type Checker, type Job, type Order, openChecker } from './checker.ts';
import type { FromWorker, Row, ToWorker } from './pool.ts';

const order = workerData as Order;
const { signal } = new AbortController();

function tell(message: FromWorker): void {
  parentPort?.postMessage(message);
}

function rowOf(result: AnyCheck): Row {
  const verdict = 'verdict' in result ? result.verdict : null;
  return { kind: 'result', json: escapeJson(JSON.stringify(result)), status: result.status, verdict };
}

function failedRow(error: unknown): Row {
  return { kind: 'failure', failure: describeFailure(error, 'postern message check') };
}

async function checkAll(checker: Checker, { number, jobs }: ToWorker): Promise<void> {
  const rows: Row[] = [];
  const { parallel } = order.flags;
  await mapParallel<Job, AnyCheck>(jobs, { parallel, ordered: true, signal }, checker.check, (_, outcome) => {
    rows.push('error' in outcome ? failedRow(outcome.error) : rowOf(outcome.value));
  });
  tell({ kind: 'rows', number, rows });
}

try {
  const checker = await openChecker(order, signal);
  parentPort?.on('message', (work: ToWorker) => void checkAll(checker, work));
  tell({ kind: 'ready' });
} catch (error) {
  tell({ kind: 'refused', failure: describeFailure(error, 'postern message check') });
}
