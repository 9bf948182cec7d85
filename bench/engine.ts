/**
 * What the engine of the throttle costs: a check of a client that it knows and of one that it does not, in CPU time,
 * and the memory of a million distinct clients. Who a client is, which costs once for each connection or line, is told
 * apart.
 *
 *   node bench/engine.ts [--clients N] [--turns N] [--check]
 *
 * --check exits with 1 when a check takes a microsecond or more in the best turn, or a million clients 200 MB or more.
 */
import { parseArgs } from 'node:util';
import { type Client, clientOf } from '../src/throttle/client.ts';
import { Engine } from '../src/throttle/engine.ts';
import { median } from './measure.ts';

const { values: flags } = parseArgs({
  options: {
    clients: { type: 'string', default: '1000000' },
    turns: { type: 'string', default: '5' },
    check: { type: 'boolean', default: false },
  },
});
const count = Number(flags.clients);

/** Made in pieces: what is made for the measure should not be what is measured. */
const PIECE = 10_000;

const MICROSECONDS = 1;
const MEGABYTES = 200;

type Family = 'IPv4' | 'IPv6';

const ADDRESSES: Record<Family, (number: number) => string> = {
  IPv4: (number) => `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`,
  IPv6: (number) => `2001:db8:${(number >> 16).toString(16)}:${(number & 0xffff).toString(16)}::1`,
};

function cpuMicroseconds(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

type Turn = { parsed: number; unknown: number; known: number };

function createEngine(): Engine {
  return new Engine({ limitsOf: () => ({ requests: 10_000, bytes: 2e8 }), seed: 20_261_125 });
}

/** What the process grows by, in megabytes, while nothing else is kept. */
function resident(): number {
  const before = process.memoryUsage.rss();
  const engine = createEngine();
  for (let number = 0; number < count; number += 1)
    engine.admit(1, { text: '', kind: 0, words: [0, 0, 0xffff, number] }, 1.8e12);
  const grown = process.memoryUsage.rss() - before;
  if (engine.tracked !== count) throw new Error(`${engine.tracked} clients are counted of ${count}`);
  return grown / 1e6;
}

function turn(family: Family): Turn {
  const engine = createEngine();
  const taken: Turn = { parsed: 0, unknown: 0, known: 0 };
  for (const pass of ['unknown', 'known'] as const)
    for (let from = 0; from < count; from += PIECE) {
      const begun = cpuMicroseconds();
      const clients = Array.from(
        { length: PIECE },
        (_, index) => clientOf(ADDRESSES[family](from + index)) as Client,
      );
      const made = cpuMicroseconds();
      for (const client of clients) engine.admit(1, client, 1.8e12 + from / 1000);
      taken[pass] += (cpuMicroseconds() - made) / count;
      taken.parsed += (made - begun) / count / 2;
    }
  return taken;
}

const megabytes = resident();
console.log(`${count} clients take ${megabytes.toFixed(0)} MB`);
if (flags.check && megabytes >= MEGABYTES) process.exitCode = 1;

for (const family of ['IPv4', 'IPv6'] as const) {
  const turns = Array.from({ length: Number(flags.turns) }, () => turn(family));
  const told = (['unknown', 'known', 'parsed'] as const).map((what) => {
    const values = turns.map((each) => each[what]);
    if (what !== 'parsed' && flags.check && Math.min(...values) >= MICROSECONDS) process.exitCode = 1;
    return `${what} ${Math.min(...values).toFixed(2)} (median ${median(values).toFixed(2)})`;
  });
  console.log(`${family}: ${told.join(', ')} µs a check`);
}
