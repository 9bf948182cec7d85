import { chmodSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type Client, clientOf } from '../../../src/throttle/client.ts';
import { Counters } from '../../../src/throttle/counters.ts';
import {
  decodeSnapshot,
  encodeSnapshot,
  readSnapshot,
  type SnapshotOf,
  writeSnapshot,
} from '../../../src/throttle/snapshot.ts';
import { ask, startThrottleLab, type ThrottleLab } from '../../helpers/throttle-lab.ts';

const OF: SnapshotOf = { window: 'sliding', windowMs: 600_000, prefix: 64 };
const T0 = 1_800_000_000;

function counters(): Counters {
  return new Counters({
    windowSeconds: 600,
    aligned: false,
    maxClients: 1000,
    maxSeconds: 10_000,
    seed: 7,
    limitsOf: () => ({ requests: 10, bytes: 10 }),
  });
}

function client(text: string): Client {
  const found = clientOf(text);
  if (!found) throw new Error(`${text} is no address`);
  return found;
}

const folder = () => mkdtempSync(join(tmpdir(), 'postern-snapshot-'));

describe('what was counted', () => {
  test('is taken up again, second by second, and leaves the window when it would have', () => {
    const before = counters();
    before.add(1, client('192.0.2.1'), T0 - 599, 3, 5e9);
    before.add(1, client('192.0.2.1'), T0 - 100, 2, 7);
    before.add(2, client('2001:db8::1'), T0 - 650, 1, 1);
    before.add(3, client('2001:db8::1'), T0, 1, 2 ** 40);
    const after = counters();
    after.unpack(before.pack(T0), T0);
    expect(after.size).toBe(2);
    expect(after.tally(1, client('192.0.2.1'), T0)).toEqual({ requests: 5, bytes: 5e9 + 7 });
    expect(after.tally(1, client('192.0.2.1'), T0 + 1)).toEqual({ requests: 2, bytes: 7 });
    expect(after.tally(3, client('2001:db8::1'), T0)).toEqual({ requests: 1, bytes: 2 ** 40 });
  });

  test('of a site that was removed is forgotten, and of the others kept', () => {
    const counted = counters();
    for (let last = 0; last < 250; last += 1)
      for (const site of [1, 2]) counted.add(site, client(`192.0.2.${last}`), T0, 1, 0);
    counted.forget(1);
    expect(counted.size).toBe(250);
    for (let last = 0; last < 250; last += 1) {
      expect(counted.tally(1, client(`192.0.2.${last}`), T0).requests).toBe(0);
      expect(counted.tally(2, client(`192.0.2.${last}`), T0).requests).toBe(1);
    }
  });
});

describe('a snapshot', () => {
  const words = Uint32Array.from([2, 0, 0, 0xffff, 1, 1, T0, 4, 5, 0]);
  const budgets = Uint32Array.from([2, 0, 0, 0, 0, 1, T0, 7, 9, 0]);
  const good = encodeSnapshot({ counters: words, budgets, mark: '' }, OF, T0);
  const changed = (at: number) => good.map((byte, index) => (index === at ? byte ^ 1 : byte));

  test('comes back as it was', () =>
    expect(decodeSnapshot(good, OF, T0 + 600)).toEqual({ counters: words, budgets, mark: '' }));

  test.for(['', 'a', '{"ä":1}', 'x'.repeat(4000)])('with the mark %s comes back with it', (mark) => {
    const kept = { counters: words, budgets, mark };
    expect(decodeSnapshot(encodeSnapshot(kept, OF, T0), OF, T0)).toEqual(kept);
  });

  test.for([
    ['empty', new Uint8Array(), OF, T0, 'it is cut off'],
    ['cut in a word', good.subarray(0, good.length - 2), OF, T0, 'it is cut off'],
    ['cut after a word', good.subarray(0, good.length - 4), OF, T0, 'its checksum is wrong'],
    ['of something else', changed(0), OF, T0, 'it is no snapshot of this program'],
    ['changed in its head', changed(9), OF, T0, 'its checksum is wrong'],
    ['changed at its end', changed(good.length - 1), OF, T0, 'its checksum is wrong'],
    ['of another window', good, { ...OF, windowMs: 10_000 }, T0, 'it was counted in another way'],
    ['of windows of the clock', good, { ...OF, window: 'aligned' }, T0, 'it was counted in another way'],
    ['of another prefix', good, { ...OF, prefix: 56 }, T0, 'it was counted in another way'],
    ['eleven minutes old', good, OF, T0 + 660, 'it is too old'],
    ['of tomorrow', good, OF, T0 - 86_400, 'it is from the future'],
  ] as const)('%s is not taken', ([, file, of, second, reason]) => {
    expect(decodeSnapshot(file, of, second)).toEqual({ reason });
  });

  test('with a list that is longer than the file is refused whole', () => {
    expect(() => counters().unpack(Uint32Array.from([2, 0, 0, 0xffff, 1, 9, T0, 4, 5, 0]), T0)).toThrow(
      RangeError,
    );
  });

  test('takes the place of the old one and nobody else can read it', async () => {
    const path = join(folder(), 'counters');
    await writeSnapshot(path, good);
    await writeSnapshot(path, good.subarray(0, 8));
    expect(readFileSync(path)).toHaveLength(8);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await readSnapshot(`${path}.none`)).toBeNull();
  });
});

describe('a restart', () => {
  const labs: ThrottleLab[] = [];
  const lab = async (options: Parameters<typeof startThrottleLab>[0]) => {
    const started = await startThrottleLab({ blockMs: 600_000, windowMs: 600_000, ...options });
    labs.push(started);
    return started;
  };
  afterEach(async () => {
    for (const each of labs.splice(0)) await each.close().catch(() => undefined);
  });

  const statuses = async ({ port }: ThrottleLab, count: number) => {
    const seen: number[] = [];
    for (let sent = 0; sent < count; sent += 1) seen.push((await ask(port, { host: 'a.example' })).status);
    return seen;
  };

  test('gives nobody a second quota', async () => {
    const at = { database: join(folder(), 'db'), countersFile: join(folder(), 'counters') };
    const first = await lab(at);
    await first.api('/v1/sites', 'POST', { name: 'a.example', limits: '20/2M' });
    expect(await statuses(first, 15)).toEqual(Array(15).fill(200));
    await first.close();
    const second = await lab({ ...at, startMs: 1_800_000_060_000 });
    expect(await statuses(second, 6)).toEqual([200, 200, 200, 200, 200, 429]);
  });

  test('gives no site a second budget', async () => {
    const at = { database: join(folder(), 'db'), countersFile: join(folder(), 'counters') };
    const first = await lab(at);
    await first.api('/v1/sites', 'POST', { name: 'a.example', budget: '20/2M' });
    expect(await statuses(first, 15)).toEqual(Array(15).fill(200));
    await first.close();
    const second = await lab({ ...at, startMs: 1_800_000_060_000 });
    expect(await statuses(second, 6)).toEqual([200, 200, 200, 200, 200, 503]);
  });

  test('says why it does not take a snapshot, and serves', async () => {
    const countersFile = join(folder(), 'counters');
    writeFileSync(countersFile, 'PTC2 and then nonsense, but as long as a head would be');
    const started = await lab({ countersFile });
    expect(started.events).toMatchObject([{ event: 'counters ignored' }]);
    expect(await statuses(started, 1)).toEqual([200]);
  });

  test('tells once that counters cannot be saved, and goes on', async () => {
    const readOnly = folder();
    const started = await lab({ countersFile: join(readOnly, 'none', 'counters') });
    chmodSync(readOnly, 0o500);
    await started.close();
    expect(started.events).toMatchObject([{ event: 'error', message: expect.stringContaining('ENOENT') }]);
  });
});
