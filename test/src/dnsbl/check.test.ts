import { expect, test, vi } from 'vitest';
import { createStub } from '../../../src/dns/stub.ts';
import { parseResolver } from '../../../src/dns/system.ts';
import type { Resolver } from '../../../src/dns/types.ts';
import { listOf } from '../../../src/dnsbl/catalogue.ts';
import { openDnsbl } from '../../../src/dnsbl/check.ts';
import { dnsblReport } from '../../../src/dnsbl/report.ts';
import { parseSubject } from '../../../src/dnsbl/subject.ts';
import type { DnsList } from '../../../src/dnsbl/types.ts';
import { type DnsLab, type LabZone, startDnsServer } from '../../../src/lab/dns-server.ts';

const MADE_UP = 'made-up-for-this-run.example';
/** What a list that works answers to its test. */
const healthy = (zone: string) => ({ [`2.0.0.127.${zone}`]: { A: ['127.0.0.2'] } });

const ZONE: LabZone = {
  ...healthy('good.test'),
  '25.2.0.192.good.test': { A: ['127.0.0.3'], TXT: [['Seen \u001b[31m spamming']] },
  ...healthy('clean.test'),
  '*.all.test': { A: ['127.0.0.2'] },
  'nothing.test': { TXT: [['closed']] },
  ...healthy('codes.test'),
  '25.2.0.192.codes.test': { A: ['127.0.0.2', '127.255.255.254'] },
  ...healthy('refuses.test'),
  '25.2.0.192.refuses.test': { habit: 'REFUSED' },
  ...healthy('silent.test'),
  '25.2.0.192.silent.test': { habit: 'silent' },
  '2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.six.test': { A: ['127.0.0.2'] },
  '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.six.test': { A: ['127.0.0.2'] },
  'test.names.test': { A: ['127.0.0.2'] },
  'spam.example.names.test': { A: ['127.0.0.2'] },
  // A list that does not answer to this resolver says so at its test, too.
  '2.0.0.127.zen.spamhaus.org': { A: ['127.255.255.254'] },
  '25.2.0.192.zen.spamhaus.org': { A: ['127.255.255.254'], TXT: [['Error: open resolver']] },
  '2.0.0.127.secretkey1234.zen.dq.spamhaus.net': { A: ['127.0.0.2'] },
  '25.2.0.192.secretkey1234.zen.dq.spamhaus.net': {
    A: ['127.0.0.4'],
    TXT: [['see https://check.spamhaus.org/?secretkey1234']],
  },
};

type Lab = { readonly server: DnsLab; readonly dns: Resolver; readonly ask: ReturnType<typeof asker> };

const asker =
  (dns: Resolver) =>
  async (target: string, zones: readonly string[], key: string | null = null) => {
    const lists: readonly DnsList[] = zones.map(listOf);
    return openDnsbl({ dns, lists, key, madeUp: MADE_UP })(parseSubject(target));
  };

const lab = test.extend<{ lab: Lab }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest wants the pattern
  lab: async ({}, use) => {
    const server = await startDnsServer({ zone: ZONE });
    const stub = createStub({
      servers: [parseResolver(`${server.host}:${server.port}`)],
      timeoutMs: 300,
      retries: 0,
      trustAd: false,
      ca: [],
      signal: new AbortController().signal,
    });
    await use({ server, dns: stub, ask: asker(stub) });
    stub.close();
    await server.close();
  },
});

lab('each list has its own outcome, and errors are never listings', async ({ lab: { ask } }) => {
  const zones = ['good', 'clean', 'all', 'nothing', 'codes', 'refuses', 'silent', 'six'];
  const { lists } = await ask(
    '192.0.2.25',
    zones.map((name) => `${name}.test`),
  );
  expect(Object.fromEntries(lists.map(({ zone, outcome }) => [zone.replace('.test', ''), outcome]))).toEqual({
    good: 'listed',
    clean: 'not-listed',
    all: 'broken',
    nothing: 'broken',
    codes: 'error',
    refuses: 'error',
    silent: 'timeout',
    six: 'broken',
  });
});

lab('an IPv6 address and a domain are tested with the points of their kind', async ({ lab: { ask } }) => {
  expect((await ask('2001:db8::1', ['six.test'])).lists).toMatchObject([{ outcome: 'listed' }]);
  expect((await ask('2001:db8::2', ['six.test'])).lists).toMatchObject([{ outcome: 'not-listed' }]);
  expect((await ask('spam.example', ['names.test'])).lists).toMatchObject([{ outcome: 'listed' }]);
  expect((await ask('ham.example', ['names.test'])).lists).toMatchObject([{ outcome: 'not-listed' }]);
});

lab(
  'a list is tested once for all subjects, and a list of addresses is not told domains',
  async ({ lab: { server, dns } }) => {
    const ask = openDnsbl({ dns, lists: [listOf('bl.spamcop.net'), listOf('good.test')], madeUp: MADE_UP });
    await ask(parseSubject('192.0.2.1'));
    await ask(parseSubject('192.0.2.2'));
    await ask(parseSubject('ham.example'));
    const names = server.queries.map(({ name }) => name.toLowerCase());
    expect(names.filter((name) => name === '2.0.0.127.good.test')).toHaveLength(1);
    expect(names.filter((name) => name.includes('ham') && name.endsWith('bl.spamcop.net'))).toEqual([]);
  },
);

lab('a list that refuses the resolver is an error that says what to do', async ({ lab: { ask } }) => {
  const report = dnsblReport('192.0.2.25', await ask('192.0.2.25', ['zen.spamhaus.org']));
  expect(report).toMatchObject({ status: 'unknown', lists: [{ outcome: 'error' }] });
  expect(report.checks).toMatchObject([
    { id: 'dnsbl.error', fix: expect.stringContaining('--dqs-key-file') },
  ]);
});

lab('a key stands in the question and nowhere in the answer', async ({ lab: { ask, server } }) => {
  const answer = await ask('192.0.2.25', ['zen.spamhaus.org'], 'secretkey1234');
  expect(answer.lists).toMatchObject([{ outcome: 'listed', zone: 'zen.spamhaus.org' }]);
  expect(server.queries.some(({ name }) => name.toLowerCase().includes('secretkey1234'))).toBe(true);
  expect(JSON.stringify(dnsblReport('192.0.2.25', answer)).toLowerCase()).not.toContain('secretkey1234');
});

lab('a resolver that answers for what does not exist is found out', async ({ lab: { ask, server } }) => {
  server.setZone({ '*.test': { A: ['203.0.113.80'] }, [MADE_UP]: { A: ['203.0.113.80'] } });
  const report = dnsblReport('192.0.2.25', await ask('192.0.2.25', ['good.test', 'clean.test']));
  expect(report.lists.map(({ outcome }) => outcome)).toEqual(['error', 'error']);
  expect(report).toMatchObject({ status: 'unknown', resolver: { rewrites: true } });
});

test('a resolver that never answers ends within ten seconds, with nothing told', async ({
  onTestFinished,
}) => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const answer = asker({ resolve: () => new Promise(() => undefined) })('192.0.2.25', [
    'good.test',
    'clean.test',
  ]);
  await vi.advanceTimersByTimeAsync(10_000);
  const report = dnsblReport('192.0.2.25', await answer);
  expect(report).toMatchObject({ status: 'unknown', resolver: { rewrites: null } });
  expect(report.lists.map(({ outcome }) => outcome)).toEqual(['timeout', 'timeout']);
});

test('being on a list of good senders is information, and no comfort', async () => {
  const report = dnsblReport('192.0.2.25', {
    subject: { kind: 'ipv4', text: '192.0.2.25' },
    resolver: { server: 'cache', publicOperator: null, rewrites: false },
    lists: [
      {
        ...{ zone: 'list.dnswl.org', title: 'DNSWL', purpose: 'allow', removal: null, outcome: 'listed' },
        ...{
          codes: [{ address: '127.0.5.1', meaning: 'network provider, trust: low' }],
          text: null,
          reason: null,
        },
      },
    ],
  });
  expect(report).toMatchObject({ status: 'ok', checks: [{ id: 'dnsbl.allowed', info: true }] });
});
