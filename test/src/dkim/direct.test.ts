import fc from 'fast-check';
import { expect, test } from 'vitest';
import { judge } from '../../helpers/attack-world.ts';
import { signedMessage, varietyDns, WatchedBench } from '../../helpers/dkim-variety.ts';

/** Enough to meet every tag and record more than once; the fuzzer goes on from there. */
const RUNS = 500;

/** Passes and failures for which mailauth was not asked. */
type Seen = { direct: number; passed: number; failed: number };

/** Judge a message by ourselves and by mailauth, and expect the very same of both. */
async function compare(bytes: Buffer, seen: Seen): Promise<void> {
  const workbench = new WatchedBench();
  const ours = await judge(bytes, { dns: varietyDns, workbench });
  const theirs = await judge(bytes, { dns: varietyDns, workbench: null });
  expect(ours).toEqual(theirs);
  if (!workbench.isUsed) return;
  seen.direct += 1;
  if (ours.dkim.signatures.some(({ result }) => result === 'pass')) seen.passed += 1;
  if (ours.dkim.signatures.some(({ result }) => result === 'fail')) seen.failed += 1;
}

test('whatever is signed and changed, the verdict is that of mailauth', async () => {
  const seen: Seen = { direct: 0, passed: 0, failed: 0 };
  await fc.assert(
    fc.asyncProperty(signedMessage, (bytes) => compare(bytes, seen)),
    { numRuns: RUNS },
  );
  // Nothing is compared where both are mailauth.
  expect(seen.direct).toBeGreaterThan(50);
  expect(seen.passed).toBeGreaterThan(20);
  expect(seen.failed).toBeGreaterThan(5);
});
