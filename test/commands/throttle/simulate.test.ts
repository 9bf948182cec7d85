import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { ThrottleSimulateResult } from '../../../src/schema/throttle.ts';
import { root, run, runBuilt } from '../../helpers/run.ts';

const folder = mkdtempSync(join(tmpdir(), 'postern-simulate-'));

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const time = (second: number) => `[17/May/2015:${new Date(second * 1000).toISOString().slice(11, 19)} +0000]`;

const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0';

/** A scraper with two requests a second for half an hour, and a person who reads. */
function busyDay(): string[] {
  const scraper = Array.from(
    { length: 3600 },
    (_, n) =>
      [
        n / 2,
        `192.0.2.66 - - ${time(n >> 1)} "GET /item/${n} HTTP/1.1" 200 900 "-" "python-requests/2"`,
      ] as const,
  );
  const person = Array.from({ length: 60 }, (_, n) => {
    const path = n % 3 === 0 ? `/page/${n}` : `/static/${n}.css`;
    return [
      n * 20,
      `198.51.100.7 - - ${time(n * 20)} "GET ${path} HTTP/1.1" 200 900 "https://example.org/" "${BROWSER}"`,
    ] as const;
  });
  return [...scraper, ...person].sort(([a], [b]) => a - b).map(([, line]) => line);
}

async function simulate(argv: readonly string[]): Promise<ThrottleSimulateResult> {
  const { result } = await run('throttle simulate', [...argv, '--json']);
  return result as ThrottleSimulateResult;
}

describe('the recommendation', () => {
  test('is the loosest preset that stops the scraper, and says what it costs', async () => {
    const { recommendation, presets } = await simulate([file('busy.log', `${busyDay().join('\n')}\n`)]);
    expect(recommendation).toMatchObject({ preset: '500/20M', attackers: ['192.0.2.66'], spares: '100/5M' });
    expect(recommendation.sentence).toMatch(
      /^Set 500\/20M: it would have refused [\d,]+ requests \(\d+\.\d %\) of 1 client.* and nobody who reads like a person\.$/,
    );
    expect(presets['20/2M'].totals).toMatchObject({ clients: 2, people: 1 });
  });

  test('is to keep the default where nobody hammers', async () => {
    const line = `192.0.2.1 - - ${time(5)} "GET / HTTP/1.1" 200 5`;
    expect((await simulate([file('quiet.log', line)])).recommendation).toMatchObject({
      preset: '10000/200M',
    });
  });

  test('goes by the attacker that is named', async () => {
    const log = file('named.log', busyDay().join('\n'));
    expect((await simulate([log, '--attacker', '198.51.100.0/24'])).recommendation).toMatchObject({
      attackers: ['198.51.100.7'],
      catches: null,
    });
    expect((await simulate([log, '--attacker', 'top:1'])).recommendation.attackers).toEqual(['192.0.2.66']);
  });
});

test('a log in no order gives what the sorted one gives, with the lines where they stand', async () => {
  const lines = busyDay();
  const sorted = await simulate([file('sorted.log', lines.join('\n'))]);
  const reversed = await simulate([file('reversed.log', lines.toReversed().join('\n'))]);
  const at = ({ presets }: ThrottleSimulateResult) =>
    presets['500/20M'].clients.flatMap(({ client, trips }) =>
      trips.map((trip) => [client, trip.at, trip.limit]),
    );
  expect(at(sorted)).not.toEqual([]);
  expect(at(reversed)).toEqual(at(sorted));
});

test('sites of one log are counted apart, and --site looks at one', async () => {
  const lines = ['a.example:80', 'b.example:80'].flatMap((site) =>
    Array.from({ length: 21 }, (_, n) => `${site} 192.0.2.1 - - ${time(n)} "GET / HTTP/1.1" 200 5 "-" "-"`),
  );
  const log = file('sites.log', [...lines, ...lines.slice(0, 1)].join('\n'));
  const both = await simulate([log]);
  expect(both.presets['20/2M'].clients.map(({ site }) => site)).toEqual(['a.example', 'b.example']);
  const one = await simulate([log, '--site', 'B.example']);
  expect(one.totals).toMatchObject({ requests: 21, otherSites: 22 });
  expect(one.presets['20/2M'].clients).toMatchObject([{ client: '192.0.2.1', refusedRequests: 1 }]);
});

test('addresses of one /64 are one client, and a name is a client as it is written', async () => {
  const lines = Array.from({ length: 21 }, (_, n) => `2001:db8::${n} - - ${time(n)} "GET / HTTP/1.1" 200 5`);
  const names = Array.from(
    { length: 21 },
    (_, n) => `Host.example.net - - ${time(n)} "GET / HTTP/1.1" 200 5`,
  );
  const { presets } = await simulate([file('v6.log', [...lines, ...names].join('\n'))]);
  expect(presets['20/2M'].clients.map(({ client }) => client).sort()).toEqual([
    '2001:db8::/64',
    'Host.example.net',
  ]);
});

test('logs are read together, compressed or not, and lines keep the numbers of their files', async () => {
  const lines = Array.from({ length: 30 }, (_, n) => `192.0.2.1 - - ${time(n)} "GET / HTTP/1.1" 200 5`);
  const old = file('access.log.1.gz', gzipSync(lines.slice(0, 15).join('\n')));
  const now = file('access.log', lines.slice(15).join('\n'));
  const { presets } = await simulate([old, now]);
  expect(presets['20/2M'].clients[0]?.trips).toMatchObject([
    { line: 6, file: now, at: '2015-05-17T00:00:20Z' },
  ]);
});

test('broken lines are counted, shown neutralised, and no reason to fail', async () => {
  const log = file('broken.log', `\x1b[31mred\x1b[0m\n192.0.2.1 - - ${time(1)} "GET / HTTP/1.1" 200 5\nx\n`);
  const ran = await run('throttle simulate', [log]);
  expect(ran).toMatchObject({ exit: 0, stderr: '' });
  expect(ran.stdout).toContain('2 lines of 3 could not be read');
  expect(ran.stdout).toContain('\\x1b[31mred');
  expect(ran.stdout).not.toContain('\x1b');
});

test('a log without a request leaves it unknown, a damaged archive is told, a missing file is 65', async () => {
  expect(await run('throttle simulate', [file('empty.log', '')])).toMatchObject({ exit: 3 });
  const noise = Array.from(
    { length: 5000 },
    (_, n) => `192.0.2.${n % 250} - - ${time(n)} "GET /${n} HTTP/1.1" 200 5`,
  );
  const whole = gzipSync(noise.join('\n'));
  const cut = await simulate([file('cut.gz', whole.subarray(0, whole.length >> 1))]);
  expect(cut.checks.map(({ id }) => id)).toContain('throttle.log.damaged');
  expect(cut.totals.requests).toBeGreaterThan(0);
  expect(await run('throttle simulate', [join(folder, 'none')])).toMatchObject({ exit: 65 });
  expect(await run('throttle simulate', [file('x.log', 'x'), '--site', 'a b'])).toMatchObject({ exit: 64 });
});

test('standard input is a log, too', async () => {
  const ran = await runBuilt(['throttle', 'simulate', '-', '--json'], { input: busyDay().join('\n') });
  expect(JSON.parse(ran.stdout).totals.requests).toBe(3660);
});

test('what clients asked for is drawn in the text and on a page of its own', async () => {
  const text = await run('throttle simulate', [`${root}examples/access.log`]);
  expect(text.stdout).toMatch(/requests\n[\s\S]*to 20 +1 {2}=+\n +to 100 +1 {2}#+\n/);
  const { stdout } = await run('throttle simulate', [`${root}examples/access.log`, '--format', 'html']);
  expect(stdout).toContain("default-src 'none'");
  expect(stdout).toContain('192.0.2.66: 25 requests');
  expect(stdout).not.toMatch(/<script|https?:|NaN|undefined/);
});
