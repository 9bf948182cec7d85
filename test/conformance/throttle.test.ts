import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { expect, test } from 'vitest';
import { documents } from '../../src/schema/documents.ts';
import type { ThrottleSimulateResult } from '../../src/schema/throttle.ts';
import { clientOf } from '../../src/throttle/client.ts';
import { limitsOf, PRESET_NAMES } from '../../src/throttle/limits.ts';
import { createLogParser } from '../../src/throttle/log/parse.ts';
import { LineScanner } from '../../src/throttle/log/scan.ts';
import { requestOf } from '../../src/throttle/visitors.ts';
import { conformance } from '../helpers/debian.ts';
import { run } from '../helpers/run.ts';
import { saidBy } from '../helpers/scanned.ts';
import { type Event, oracle } from '../helpers/throttle-oracle.ts';

/** The requests of a log, sorted by time and line. */
function eventsOf(file: string): Event[] {
  const parse = createLogParser();
  const events = readFileSync(file, 'latin1')
    .split('\n')
    .flatMap((line, index): Event[] => {
      const entry = parse(line);
      if (entry === null || entry === 'comment') return [];
      const client = clientOf(entry.client)?.text ?? entry.client;
      return [{ client, second: Math.floor(entry.timeMs / 1000), bytes: entry.bytes, line: index + 1 }];
    });
  return events.toSorted((a, b) => a.second - b.second || a.line - b.line);
}

test('on every log and for every preset the simulation agrees with the plainest model, client, time and limit', async (context) => {
  const folder = join(conformance(context), 'weblogs');
  const files = readdirSync(folder).filter((name) => /\.log(?:\.\d+)?$/.test(name));
  expect(files.length).toBeGreaterThan(0);
  for (const name of files) {
    const events = eventsOf(join(folder, name));
    for (const window of ['sliding', 'aligned'] as const) {
      const ran = await run('throttle simulate', [join(folder, name), '--window', window, '--json']);
      const { schema: _, ...result } = documents['postern/throttle-simulate/1'].parse(JSON.parse(ran.stdout));
      const { presets, totals } = result as unknown as ThrottleSimulateResult;
      expect(totals.requests, name).toBe(events.length);
      for (const preset of PRESET_NAMES) {
        const expected = oracle(events, limitsOf(preset), window === 'aligned');
        const trips = presets[preset].clients.flatMap(({ client, trips: each }) =>
          each.map(({ at, line, limit }) => ({ client, second: Date.parse(at) / 1000, line, limit })),
        );
        const byLine = (a: { line: number }, b: { line: number }) => a.line - b.line;
        expect(trips.sort(byLine), `${name} ${preset} ${window}`).toEqual(expected.trips.toSorted(byLine));
        expect(presets[preset].totals.refusedRequests).toBe(expected.refused.length);
      }
    }
  }
});

/** Lines as they are, as objects of JSON, and both with some damage, the same in every run. */
function* spoiled(lines: readonly string[]): Generator<string> {
  const parse = createLogParser();
  let state = 1;
  const random = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (const line of lines) {
    const entry = parse(line);
    const object =
      entry === null || entry === 'comment'
        ? line
        : JSON.stringify({
            remote_addr: entry.client,
            ts: entry.timeMs / 1000 + random(1000) / 1000,
            request_uri: entry.request,
            bytes_sent: entry.bytes,
            http_referer: entry.referer,
            http_user_agent: entry.userAgent,
          });
    for (const whole of [line, object]) {
      yield whole;
      const at = random(whole.length);
      const put = ['', '"', '\\', ' ', ']', '{', ',', '\x00', '\r', '-', '0', whole.slice(0, at)][random(12)];
      yield whole.slice(0, at) + put + whole.slice(at + random(4));
    }
  }
}

test('what is read of lines where they lie is what the parser of whole lines says, damaged ones and all', async (context) => {
  const folder = join(conformance(context), 'weblogs');
  let taken = 0;
  let all = 0;
  for (const name of readdirSync(folder).filter((each) => /\.log(?:\.\d+)?$/.test(each))) {
    const lines = readFileSync(join(folder, name), 'latin1').split('\n').slice(0, -1);
    const texts = [...spoiled(lines)];
    const scanner = new LineScanner();
    scanner.open(Buffer.from(texts.map((text) => `${text}\n`).join(''), 'latin1'));
    const parse = createLogParser();
    const different: string[] = [];
    let from = 0;
    for (const text of texts) {
      const end = scanner.endOf(from);
      const isTaken = scanner.scan(from, end);
      const entry = isTaken ? parse(text.replace(/\r$/, '')) : null;
      if (isTaken) taken += 1;
      if (
        isTaken &&
        (entry === null || entry === 'comment' || !isDeepStrictEqual(requestOf(entry), saidBy(scanner)))
      )
        different.push(text);
      from = end + 1;
    }
    expect(different, name).toEqual([]);
    all += texts.length;
  }
  expect(taken / all).toBeGreaterThan(0.5);
});

test('figures that were measured by another program come out the same', async (context) => {
  const folder = join(conformance(context), 'weblogs');
  const figures = async (name: string) => {
    const { result } = await run('throttle simulate', [join(folder, name), '--json']);
    return Object.values((result as ThrottleSimulateResult).presets).map(
      ({ totals: { clients, blocks, byBytes, refusedRequests } }) => [
        clients,
        blocks,
        byBytes,
        refusedRequests,
      ],
    );
  };
  expect(await figures('elastic-apache_logs.log')).toEqual([
    [0, 0, 0, 0],
    [23, 29, 29, 10],
    [36, 44, 44, 18],
    [47, 58, 58, 223],
    [99, 131, 82, 1049],
  ]);
  expect(
    (await figures('ocatak-acunetix.log')).map(([clients, blocks, , refused]) => [clients, blocks, refused]),
  ).toEqual([
    [0, 0, 0],
    [1, 1, 3184],
    [1, 2, 5539],
    [1, 3, 6239],
    [1, 3, 6479],
  ]);
});
