import { appendFileSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { LineCutter, Tail } from '../../../src/throttle/follow/tail.ts';
import { reconcile } from '../../../src/throttle/haproxy/reconcile.ts';
import { parseMap, parseTable } from '../../../src/throttle/haproxy/runtime.ts';
import { parseNginxLine } from '../../../src/throttle/nginx/log.ts';

const tails: Tail[] = [];
afterEach(() => Promise.all(tails.splice(0).map((tail) => tail.stop())));

async function followed(before: string | null) {
  const path = join(mkdtempSync(join(tmpdir(), 'postern-tail-')), 'access.log');
  if (before !== null) writeFileSync(path, before);
  const lines: string[] = [];
  const states: string[] = [];
  const tail = new Tail({ path, onLine: (line) => lines.push(line), onState: (state) => states.push(state) });
  tails.push(tail);
  await tail.start();
  const come = (expected: readonly string[]) =>
    vi.waitFor(() => expect(lines).toEqual(expected), { timeout: 20_000 });
  return { path, lines, states, come };
}

describe('a log that is followed', () => {
  test('what stood there before is passed over, and half a line waits for its end', async () => {
    const { path, come, lines } = await followed('old\n');
    appendFileSync(path, 'one\ntw');
    await come(['one']);
    appendFileSync(path, 'o\n');
    await come(['one', 'two']);
    expect(lines).not.toContain('old');
  });

  test('a file that was renamed is read to its end, and then the new one from its beginning', async () => {
    const { path, come } = await followed('');
    appendFileSync(path, 'one\n');
    renameSync(path, `${path}.1`);
    appendFileSync(`${path}.1`, 'late\n');
    writeFileSync(path, 'new\n');
    await come(['one', 'late', 'new']);
  });

  test('a file that was cut short is read from its beginning', async () => {
    const { path, come } = await followed('');
    appendFileSync(path, 'one\ntwo\n');
    await come(['one', 'two']);
    truncateSync(path);
    appendFileSync(path, 'new\n');
    await come(['one', 'two', 'new']);
  });

  test('a file that comes later is read, and both are told', async () => {
    const { path, come, states } = await followed(null);
    writeFileSync(path, 'one\n');
    await come(['one']);
    // The lines come first.
    await vi.waitFor(() => expect(states).toEqual(['missing', 'reading']), { timeout: 20_000 });
    rmSync(path);
  });

  test('a burst of many lines comes whole and in order', async () => {
    const { path, lines } = await followed('');
    const sent = Array.from({ length: 100_000 }, (_, index) => `line ${index}`);
    appendFileSync(path, `${sent.join('\n')}\n`);
    await vi.waitFor(() => expect(lines).toHaveLength(sent.length), { timeout: 20_000 });
    expect(lines).toEqual(sent);
  });

  test('a line without an end is not kept', () => {
    const lines: string[] = [];
    const cutter = new LineCutter((line) => lines.push(line));
    for (let sent = 0; sent < 100; sent += 1) cutter.write(Buffer.alloc(65_536, 'x'));
    cutter.write(Buffer.from('rest\nnext\n'));
    expect(lines).toEqual(['next']);
    expect(cutter.tooLong).toBe(1);
  });
});

test.for([
  ['postern1\tl\t\t192.0.2.1\twww.example.org\t1260\tGET\t/\tcurl', true],
  ['postern1\ta\t-\t192.0.2.1\twww.example.org\t1260\tGET\t/\t-', true],
  ['192.0.2.1 - - [25/Nov/2026:08:00:00 +0000] "GET / HTTP/1.1" 200 5', false],
  ['postern1\tn\tR 1800000000123\t192.0.2.1\twww.example.org\t1260\tGET\t/\tcurl', true],
  ['postern1\tl\t\t192.0.2.1\twww.example.org\t-1\tGET\t/\tcurl', false],
  ['postern1\tl\t\t192.0.2.1\twww.example.org\t1\tGET\t/\tcurl\tmore', false],
  ['postern1\tx\t\t192.0.2.1\twww.example.org\t1\tGET\t/\tcurl', false],
  ['', false],
] as const)('%j is a line of ours: %s', ([line, isOurs]) => {
  expect(parseNginxLine(line) !== null).toBe(isOurs);
});

test('a line says who asked for what, and got how much', () => {
  const line = (refusal: string, agent: string) =>
    `postern1\tl\t${refusal}\t2001:db8::1\twww.example.org\t1260\tPOST\t/a\\x09b?c=d\t${agent}`;
  const told = { address: '2001:db8::1', host: 'www.example.org', bytes: 1260, method: 'POST' };
  expect(parseNginxLine(line('', 'a browser'))).toMatchObject({
    ...{ ...told, counting: 'l', refused: false, path: '/a\\x09b?c=d', userAgent: 'a browser' },
  });
  expect(parseNginxLine(line('-', '-'))).toMatchObject({ refused: false, userAgent: '' });
  expect(parseNginxLine(line('Wed, 25 Nov 2026 08:00:00 GMT', ''))).toMatchObject({ refused: true });
});

const block = (key: string, until: number) => ({ key, until, byBytes: false });
const byKey = (...entries: ReturnType<typeof block>[]) => new Map(entries.map((each) => [each.key, each]));

test.for([
  ['one that only HAProxy has is taken over', [], [block('a', 200)], [], ['a'], [], []],
  ['one that both had was lifted here', [], [block('a', 200)], [['a', 200]], [], [], ['a']],
  [
    'one that began anew after it was lifted is taken over',
    [],
    [block('a', 300)],
    [['a', 200]],
    ['a'],
    [],
    [],
  ],
  ['one that HAProxy lost is given again', [block('a', 200)], [], [['a', 200]], [], ['a'], []],
  ['another end is told', [block('a', 300)], [block('a', 200)], [], [], ['a'], []],
  ['the same on both sides needs nothing', [block('a', 200)], [block('a', 200)], [], [], [], []],
  ['one that is over is nobody’s', [block('a', 90)], [block('b', 90)], [], [], [], []],
] as const)('blocks of HAProxy: %s', ([, ours, theirs, shared, adopt, set, clear]) => {
  const steps = reconcile(byKey(...ours), theirs, new Map(shared), 100);
  const keys = (entries: readonly { key: string }[]) => entries.map(({ key }) => key);
  expect([keys(steps.adopt), keys(steps.set), steps.clear]).toEqual([adopt, set, clear]);
});

test('what HAProxy shows is understood, and nothing else', () => {
  const table = `# table: throttle_block, type: string, size:1048576, used:2
0x55: key=www.example.org|2001:db8:0:1:: use=0 exp=9000 shard=0 gpt0=1800000000 gpc0=1
0x56: key=other|192.0.2.1 use=0 exp=9000 gpt0=1800000001 gpc0=0
0x57: key=other|192.0.2.2 use=0 exp=9000 gpt0=0 gpc0=0
nonsense`;
  expect(parseTable(table)).toEqual([
    { key: 'www.example.org|2001:db8:0:1::', until: 1_800_000_000, byBytes: true },
    { key: 'other|192.0.2.1', until: 1_800_000_001, byBytes: false },
  ]);
  expect([...parseMap('0x55 www.example.org 20\n0x56 192.0.2.0/24\n\nUnknown map.')]).toEqual([
    ['www.example.org', '20'],
    ['192.0.2.0/24', ''],
  ]);
});
