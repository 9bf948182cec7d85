import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Habit } from '../../../src/lab/habits.ts';
import { type IntrusiveTest, intrude, parseIntrusiveTests } from '../../../src/mx/intrusive.ts';
import { type Lab, type LabDomain, labProbe, labWorld, startLab } from '../../helpers/lab.ts';

let lab: Lab;

beforeAll(async () => {
  const habits: Habit[] = [
    'good',
    'no-relay',
    'carries-over',
    'any-line-end',
    'none',
    'rcpt-450',
    'inject',
    'hang',
  ];
  const domains = habits.map((habit): [string, LabDomain] => [`${habit}.test`, { habit }]);
  lab = await startLab(77, Object.fromEntries(domains));
});

afterAll(() => lab.close());

function probe(domain: string, tests: IntrusiveTest[]) {
  const options = {
    tests,
    domain,
    outside: 'postmaster@example.com',
    mailbox: `me@${domain}`,
    silenceMs: 500,
  };
  return labProbe(lab, domain, { intrude: (place) => intrude(place, labWorld(lab), options) });
}

async function resultsOf(domain: string, test: IntrusiveTest) {
  const { hosts } = await probe(domain, [test]);
  const attempts = hosts[0]?.addresses[0]?.intrusive ?? [];
  return Object.fromEntries(attempts.map(({ tried, result }) => [tried, result]));
}

describe('commands behind STARTTLS', () => {
  test.for([
    ['good.test', 'safe'],
    ['carries-over.test', 'vulnerable'],
    ['none.test', 'unknown'],
    ['inject.test', 'safe'],
    ['hang.test', 'unknown'],
  ] as const)('of %s: %s', async ([domain, result]) => {
    expect(await resultsOf(domain, 'injection')).toEqual({
      'NOOP behind STARTTLS': result,
      'EHLO injected.invalid behind STARTTLS': result,
    });
  });

  test('that are obeyed inside TLS make the domain critical, and say with what', async () => {
    const { status, hosts } = await probe('carries-over.test', ['injection']);
    expect(status).toBe('crit');
    expect(hosts[0]?.addresses[0]?.checks).toContainEqual(
      expect.objectContaining({
        id: 'smtp.starttls.carried-over',
        status: 'crit',
        evidence: expect.stringContaining('inside TLS: 250'),
      }),
    );
  });
});

describe('a recipient elsewhere', () => {
  test('is taken by an open relay, and no mail is sent', async () => {
    const server = lab.server('good.test');
    const before = server.messages.length;
    const results = Object.values(await resultsOf('good.test', 'relay'));
    expect(results).toEqual(['vulnerable', 'vulnerable', 'vulnerable', 'doubtful', 'doubtful']);
    expect(server.messages).toHaveLength(before);
    expect(server.commands.filter((command) => /^DATA/i.test(command))).toEqual([]);
  });

  test('is refused by a server that relays for nobody', async () => {
    expect(new Set(Object.values(await resultsOf('no-relay.test', 'relay')))).toEqual(new Set(['safe']));
  });

  test('that is put off says nothing', async () => {
    expect(new Set(Object.values(await resultsOf('rcpt-450.test', 'relay')))).toEqual(new Set(['unknown']));
  });
});

describe('the end of a message', () => {
  test('is one alone, and nothing is delivered by the others', async () => {
    const server = lab.server('good.test');
    const before = server.messages.length;
    const results = await resultsOf('good.test', 'data-end');
    expect(Object.keys(results)).toHaveLength(5);
    expect(new Set(Object.values(results))).toEqual(new Set(['safe']));
    expect(server.messages).toHaveLength(before);
  });

  test('is more than one to a server that takes any line end', async () => {
    expect(await resultsOf('any-line-end.test', 'data-end')).toEqual({
      'LF . LF': 'vulnerable',
      'LF . CR LF': 'vulnerable',
      'CR LF . LF': 'vulnerable',
      'CR . CR': 'safe',
      'CR LF NUL . CR LF': 'safe',
    });
  });
});

test('a test that there is not is refused', () => {
  expect(() => parseIntrusiveTests('relay,flood')).toThrow(/'flood' is no test/);
});
