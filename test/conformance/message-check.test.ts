import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, type TestContext, test } from 'vitest';
import type { MessageCheck } from '../../src/check/types.ts';
import { recordedResolver } from '../../src/dns/recorded.ts';
import { documents } from '../../src/schema/documents.ts';
import { judge } from '../helpers/attack-world.ts';
import { conformance } from '../helpers/debian.ts';
import { WatchedBench } from '../helpers/dkim-variety.ts';
import { run } from '../helpers/run.ts';

type Row = MessageCheck & { readonly id: string };

/** Rows of `message check --batch` by the id of their case. */
async function check(cases: readonly object[]): Promise<ReadonlyMap<string, Row>> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-check-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'cases.jsonl');
  writeFileSync(file, cases.map((each) => JSON.stringify(each)).join('\n'));
  const { stdout } = await run('message check', ['--batch', file, '--format', 'jsonl', '--offline']);
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  for (const row of rows) documents['postern/message-check/1'].parse(row);
  return new Map(rows.map((row) => [row.id, row]));
}

const readRows = (file: string) =>
  readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

type Message = {
  readonly id: string;
  readonly eml: string;
  readonly ip: string | null;
  readonly helo: string | null;
  readonly mailfrom: string | null;
  readonly mta: string;
  readonly now: string | null;
  readonly dns: object;
  readonly expected: {
    readonly spf: string | null;
    readonly dkim: readonly { readonly accept: readonly string[] }[];
    readonly dmarc: string | null;
    readonly dmarc_policy: string | null;
    readonly arc: string | null;
  };
};

function messages(context: TestContext): { readonly cases: readonly Message[]; readonly folder: string } {
  const folder = join(conformance(context), 'messages');
  return { cases: readRows(join(folder, 'index.jsonl')), folder };
}

/**
 * Where we differ on purpose. Both have a From field that is no address: other readers make one of it. By RFC 9989
 * §11.5 there is no author domain to evaluate, which is not the same as an author without a policy.
 */
const NO_AUTHOR = new Set(['lieser-ill-formed-from', 'authmilter-spam-headers']);

function* differences({ id, expected }: Message, row: Row): Generator<string> {
  const { spf, dkim, dmarc, arc } = row;
  if (expected.spf !== null && spf.result !== expected.spf) yield `${id} spf ${spf.result}`;
  if (dkim.signatures.length !== expected.dkim.length) yield `${id} has ${dkim.signatures.length} signatures`;
  for (const [index, { accept }] of expected.dkim.entries()) {
    const result = dkim.signatures[index]?.result ?? 'missing';
    if (!accept.includes(result)) yield `${id} dkim ${index} ${result}`;
  }
  const wanted = NO_AUTHOR.has(id) ? 'not-evaluated' : (expected.dmarc ?? 'not-evaluated');
  if (dmarc.result !== wanted) yield `${id} dmarc ${dmarc.result}`;
  if (expected.dmarc_policy !== null && dmarc.policy !== expected.dmarc_policy)
    yield `${id} policy ${dmarc.policy}`;
  if (expected.arc !== null && arc.result !== expected.arc) yield `${id} arc ${arc.result}`;
}

test('messages of others are judged as others judge them', async (context) => {
  const { cases, folder } = messages(context);
  const rows = await check(
    cases.map(({ id, eml, ip, helo, mailfrom, mta, now, dns }) => {
      return { id, eml: join(folder, eml), ip, helo, mailFrom: mailfrom, mta, asOf: now, dns };
    }),
  );
  expect(rows.size).toBe(cases.length);
  const found = cases.flatMap((each) => {
    const row = rows.get(each.id);
    return row === undefined ? [`${each.id} is missing`] : [...differences(each, row)];
  });
  expect(found).toEqual([]);
});

test('what we verify ourselves comes out as mailauth has it', async (context) => {
  const folder = conformance(context);
  const chains = readRows(join(folder, 'arc', 'validation.jsonl')).map(({ message, dns }) => ({
    bytes: Buffer.from(message),
    dns,
    asOfMs: null,
  }));
  const signed = messages(context).cases.map(({ eml, dns, now }) => ({
    bytes: readFileSync(join(folder, 'messages', eml)),
    dns,
    asOfMs: now === null ? null : Date.parse(now),
  }));
  const received = join(folder, 'received', 'messages');
  const others = readdirSync(received).map((file) => ({
    bytes: readFileSync(join(received, file)),
    dns: {},
    asOfMs: null,
  }));
  let direct = 0;
  for (const { bytes, dns, asOfMs } of [...signed, ...chains, ...others]) {
    const workbench = new WatchedBench();
    const changes = { dns: recordedResolver(dns), asOfMs };
    const ours = await judge(bytes, { ...changes, workbench });
    expect(ours).toEqual(await judge(bytes, { ...changes, workbench: null }));
    if (workbench.isUsed) direct += 1;
  }
  expect(direct).toBeGreaterThan(50);
});

test('nobody is trusted without a list', async (context) => {
  const { cases, folder } = messages(context);
  const rows = await check(cases.map(({ id, eml, dns }) => ({ id, eml: join(folder, eml), dns })));
  expect([...rows.values()].filter(({ verdict }) => verdict === 'trusted')).toEqual([]);
});

test('ARC chains are judged by RFC 8617', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-arc-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const cases = readRows(join(conformance(context), 'arc', 'validation.jsonl'));
  for (const [index, { message }] of cases.entries()) writeFileSync(join(folder, `${index}.eml`), message);
  const rows = await check(
    cases.map(({ dns }, index) => ({ id: String(index), eml: join(folder, `${index}.eml`), dns })),
  );
  const wrong = cases.flatMap(({ id, accept }, index) => {
    const result = rows.get(String(index))?.arc?.result ?? 'missing';
    return accept.includes(result) ? [] : [`${id} ${result}`];
  });
  expect(wrong).toEqual([]);
  expect(cases.length).toBeGreaterThan(100);
});
