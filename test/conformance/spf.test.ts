import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spf } from 'mailauth/lib/spf/index.js';
import { expect, test } from 'vitest';
import { recordedResolver } from '../../src/dns/recorded.ts';
import { documents } from '../../src/schema/documents.ts';
import { checkSpf, type SpfTree } from '../../src/spf/check.ts';
import { conformance } from '../helpers/debian.ts';
import { nodeStyle } from '../helpers/node-style.ts';
import { run } from '../helpers/run.ts';

type Case = {
  readonly id: string;
  readonly ip: string;
  readonly helo: string;
  readonly mailfrom: string;
  readonly receiver: string | null;
  readonly expected: readonly string[];
  /** `DEFAULT`: none of the domain's own. */
  readonly explanation: string | null;
  readonly zone: unknown;
};

const SUITES = [
  ['rfc7208', 203],
  ['rfc4408', 191],
] as const;

function readSuite(folder: string, suite: string): Case[] {
  const rows = readFileSync(join(folder, 'spf', `${suite}.jsonl`), 'utf8').trim();
  return rows.split('\n').map((row) => JSON.parse(row));
}

test.for(SUITES)('the suite %s holds, %i cases, in a batch', async ([suite, count], context) => {
  const cases = readSuite(conformance(context), suite);
  expect(cases).toHaveLength(count);
  const file = join(mkdtempSync(join(tmpdir(), 'postern-spf-')), 'cases.jsonl');
  const rows = cases.map(({ id, ip, helo, mailfrom: mailFrom, receiver: mta, zone: dns }) =>
    JSON.stringify({ id, ip, helo, mailFrom, mta, dns }),
  );
  writeFileSync(file, `${rows.join('\n')}\n`);
  const { stdout, stderr } = await run('spf check', ['--batch', file, '--format', 'jsonl']);
  expect(stderr).toBe('');
  const answers = stdout
    .trim()
    .split('\n')
    .map((line) => documents['postern/spf-check/1'].parse(JSON.parse(line)));
  expect(answers.map(({ id }) => id)).toEqual(cases.map(({ id }) => id));
  for (const [index, { id, expected, explanation }] of cases.entries()) {
    const answer = answers[index];
    expect(expected, id).toContain(answer?.result);
    if (explanation !== null)
      expect(answer?.explanation, id).toBe(explanation === 'DEFAULT' ? null : explanation);
    if (answer?.tree) expect(answer.tree.result, id).toBe(answer.result);
  }
});

/** The result that follows from the terms shown, by the rules of RFC 7208 §4.6.2, §4.7 and §6.1. */
function resultOf(tree: SpfTree): string {
  const last = tree.terms.find(({ outcome }) => outcome !== 'no-match' && outcome !== 'not-reached');
  if (last === undefined)
    return tree.terms.every(({ outcome }) => outcome === 'no-match') ? 'neutral' : tree.result;
  if (last.outcome !== 'match') return last.outcome;
  if (/^redirect=/i.test(last.term)) return last.below?.result ?? '';
  const words: Readonly<Record<string, string>> = { '-': 'fail', '~': 'softfail', '?': 'neutral' };
  return words[last.term[0] ?? ''] ?? 'pass';
}

test.for(SUITES)('in the suite %s every tree leads to its result', async ([suite], context) => {
  for (const { id, ip, helo, mailfrom: mailFrom, receiver: mta, zone } of readSuite(
    conformance(context),
    suite,
  )) {
    const dns = recordedResolver(zone);
    const { tree, result, lookups } = await checkSpf({ ip, helo, mailFrom, mta, dns, nowMs: 0 });
    if (tree === null || tree.record === null || tree.reason !== null) continue;
    expect(resultOf(tree), id).toBe(result);
    expect(
      tree.terms.reduce((sum, term) => sum + term.lookups, 0),
      id,
    ).toBe(lookups);
  }
});

test.for(SUITES)('mailauth says the same in every case of %s', async ([suite], context) => {
  for (const { id, ip, helo, mailfrom: mailFrom, receiver: mta, zone } of readSuite(
    conformance(context),
    suite,
  )) {
    const dns = recordedResolver(zone);
    const ours = await checkSpf({ ip, helo, mailFrom, mta: mta ?? 'mx.test', dns, nowMs: 0 });
    const theirs = await spf({
      sender: mailFrom,
      ip,
      helo,
      mta: mta ?? 'mx.test',
      strict: true,
      resolver: nodeStyle(dns),
    });
    expect(ours.result, id).toBe(theirs.status.result);
    expect(ours.explanation?.toLowerCase(), id).toBe(theirs.explanation?.toLowerCase());
  }
});
