import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { FRONTS, type Front, needsServer } from '../helpers/throttle-fronts.ts';
import { ask } from '../helpers/throttle-lab.ts';

// The black-box semantic at its real length, ten minutes for window and block, on the clock of the machine: some
// twenty minutes of waiting, for all fronts at once.

const TEN_MINUTES_MS = 600_000;

/** A client that is refused comes again this often. */
const PERSISTENT_MS = 5000;

/** What a refusal by a log, and asking every few seconds, may be late by. */
const LATE_MS = 10_000;

/** By then no worker of before answers any more. */
const RELOADED_MS = 5000;

const CLIENT = { from: '127.0.1.1' };

const statusOf = async (front: Front) => (await ask(front.port, CLIENT)).status;

/** Where windows are those of the clock, none may turn while requests are counted. */
async function early(front: Front): Promise<void> {
  const into = Date.now() % TEN_MINUTES_MS;
  if (front.aligned && into > TEN_MINUTES_MS - 60_000) await setTimeout(TEN_MINUTES_MS - into + 1000);
}

/** Twenty requests are served, and the next is not. @returns when it was refused, and how many were served */
async function spend(
  front: Front,
  first: number,
): Promise<{ readonly atMs: number; readonly served: number }> {
  for (let served = first; ; served += 1) {
    const { status, headers } = await ask(front.port, CLIENT);
    if (status === 429) {
      const given = String(headers['retry-after']);
      const left = /^\d+$/.test(given) ? Number(given) : (Date.parse(given) - Date.now()) / 1000;
      expect(left).toBeGreaterThan(580);
      expect(left).toBeLessThanOrEqual(601);
      return { atMs: Date.now(), served };
    }
    expect(status).toBe(200);
    if (served >= 20) await setTimeout(100);
  }
}

for (const [name, start] of Object.entries(FRONTS))
  describe.concurrent(name, () => {
    test.concurrent('ten minutes are ten minutes, and then there is a whole quota', async (context) => {
      needsServer(context, name);
      const front = await start(TEN_MINUTES_MS);
      try {
        await early(front);
        const first = await spend(front, 0);
        const allowed = (served: number) => (front.late ? served >= 20 : served === 20);
        expect(allowed(first.served), `${first.served} served`).toBe(true);
        // While nginx reloads, workers of before and after answer side by side.
        await setTimeout(front.late ? RELOADED_MS : 0);
        // Whoever goes on asking does not wait longer.
        while ((await statusOf(front)) === 429) {
          expect(Date.now() - first.atMs).toBeLessThan(TEN_MINUTES_MS + LATE_MS);
          await setTimeout(PERSISTENT_MS);
        }
        expect(Date.now() - first.atMs).toBeGreaterThan(TEN_MINUTES_MS - LATE_MS);
        await early(front);
        const second = await spend(front, 1);
        expect(allowed(second.served), `${second.served} served`).toBe(true);
      } finally {
        await front.close();
      }
    });
  });
