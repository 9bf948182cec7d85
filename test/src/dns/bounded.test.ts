import { expect, test } from 'vitest';
import { boundedResolver } from '../../../src/dns/bounded.ts';
import { mailauthResolver } from '../../../src/dns/mailauth-resolver.ts';
import { recordedResolver } from '../../../src/dns/recorded.ts';
import type { Resolver } from '../../../src/dns/types.ts';

const zone = {
  'example.org': { A: ['192.0.2.1'], MX: [{ priority: 10, exchange: 'mx.example.org' }], TXT: [['a', 'b']] },
  'late.example.org': { '*': 'TIMEOUT' },
};

/** Counts questions; answers like the recording. */
function counting() {
  const asked: string[] = [];
  const recorded = recordedResolver(zone);
  const dns: Resolver = {
    resolve: (name, type) => {
      asked.push(`${type} ${name}`);
      return recorded.resolve(name, type);
    },
  };
  return { dns, asked };
}

const silent: Resolver = { resolve: () => new Promise(() => undefined) };

test('a resolver that never answers is given up, question by question and in all', async () => {
  const bounded = boundedResolver(silent, { queries: 9, questionMs: 20, totalMs: 50 });
  const answers = [];
  for (let number = 0; number < 5; number++) answers.push(await bounded.resolve(`n${number}.test`, 'TXT'));
  expect(answers.map((answer) => answer.kind === 'failed' && answer.rcode)).toEqual(Array(5).fill('TIMEOUT'));
  expect(bounded.unanswered).toHaveLength(5);
});

test('the same question is put once, however it is spelled', async () => {
  const { dns, asked } = counting();
  const bounded = boundedResolver(dns, { queries: 9, questionMs: 1000, totalMs: 1000 });
  await bounded.resolve('example.org', 'A');
  await bounded.resolve('EXAMPLE.ORG.', 'A');
  expect(asked).toEqual(['A example.org']);
  expect(bounded.spent).toBe(1);
});

test('what is over the number is refused and told, and what was asked before is still answered', async () => {
  const { dns, asked } = counting();
  const bounded = boundedResolver(dns, { queries: 2, questionMs: 1000, totalMs: 1000 });
  await bounded.resolve('example.org', 'A');
  await bounded.resolve('example.org', 'TXT');
  const refused = await bounded.resolve('example.org', 'MX');
  expect(refused).toMatchObject({ kind: 'failed', rcode: 'BUDGET' });
  expect(await bounded.resolve('example.org', 'A')).toMatchObject({ kind: 'found' });
  expect(asked).toHaveLength(2);
  expect(bounded.unanswered).toEqual([{ name: 'example.org', type: 'MX', rcode: 'BUDGET' }]);
});

test('mailauth gets records in the forms of Node', async () => {
  const resolve = mailauthResolver(recordedResolver(zone));
  expect(await resolve('example.org', 'A')).toEqual(['192.0.2.1']);
  expect(await resolve('example.org', 'TXT')).toEqual([['a', 'b']]);
  expect(await resolve('example.org', 'MX')).toEqual([{ priority: 10, exchange: 'mx.example.org' }]);
});

test.for([
  ['gone.test', 'TXT', 'ENOTFOUND'],
  ['example.org', 'AAAA', 'ENODATA'],
  ['example.org', 'SRV', 'ENODATA'],
  ['late.example.org', 'TXT', 'ETIMEOUT'],
  ['no name', 'TXT', 'ENOTFOUND'],
  [`${'a'.repeat(64)}.test`, 'TXT', 'ENOTFOUND'],
] as const)('%s %s fails for mailauth with %s', async ([name, type, code]) => {
  await expect(mailauthResolver(recordedResolver(zone))(name, type)).rejects.toMatchObject({ code });
});
