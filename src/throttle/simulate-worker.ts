// Runs in a thread of its own, see upload.ts: a log of somebody must not hold up decisions about requests.
import { parentPort, workerData } from 'node:worker_threads';
import { judgeSimulation } from './judge.ts';
import { isDamage, readLog, startReading } from './log/read.ts';
import { Simulation } from './simulate.ts';
import type { FromWorker, Uploaded } from './upload.ts';

/** Largest log when it is expanded, in bytes: a small file may become very large. */
const MOST_BYTES = 4e9;

/** Requests that are held back to be sorted: fewer than in a process of its own. */
const CAPACITY = 1_000_000;

/** Clients of each preset that are told. */
const MOST_CLIENTS = 200;

const { name, window, site, prefix } = workerData as Uploaded;

function tell(message: FromWorker): void {
  parentPort?.postMessage(message);
}

async function* chunks(): AsyncGenerator<Uint8Array> {
  const waiting: (Uint8Array | null)[] = [];
  let wake: () => void = () => undefined;
  parentPort?.on('message', (chunk: Uint8Array | null) => {
    waiting.push(chunk);
    wake();
  });
  for (;;) {
    if (waiting.length === 0)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    const chunk = waiting.shift();
    if (chunk === null) return;
    if (chunk === undefined) continue;
    yield chunk;
    tell({ kind: 'taken' });
  }
}

async function simulate(): Promise<void> {
  const simulation = new Simulation({ window, prefix, capacity: CAPACITY, ...(site !== null && { site }) });
  const taken = startReading([name]);
  let bytes = 0;
  async function* bounded(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      bytes += chunk.length;
      if (bytes > MOST_BYTES) throw new RangeError('too large');
      yield chunk;
    }
  }
  try {
    await readLog(chunks(), 0, simulation, taken, bounded);
  } catch (error) {
    if (error instanceof RangeError) return tell({ kind: 'too large' });
    if (!isDamage(error)) throw error;
    taken.damaged.push(name);
  }
  const result = judgeSimulation(simulation.finish(), taken, { window, site, attacker: null });
  const presets = Object.entries(result.presets).map(([preset, { totals, clients }]) => {
    const shown = clients.slice(0, MOST_CLIENTS).map((each) => ({ ...each, trips: each.trips.slice(0, 3) }));
    return [preset, { totals, clients: shown }];
  });
  tell({ kind: 'done', result: JSON.stringify({ ...result, presets: Object.fromEntries(presets) }) });
}

await simulate();
parentPort?.close();
