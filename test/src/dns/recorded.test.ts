import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { offlineResolver, recordedResolver, recorder } from '../../../src/dns/recorded.ts';
import type { Answer, RecordType, Resolver } from '../../../src/dns/types.ts';

const zone = {
  '@meta': { recorded: '2026-01-01T00:00:00Z', resolver: '192.0.2.53:53' },
  'Example.test.': {
    MX: [{ priority: 10, exchange: 'MX.example.test' }],
    TXT: [['v=spf1 ', '-all'], ['caf\xc3\xa9']],
    SOA: {
      nsname: 'ns.example.test',
      hostmaster: 'h.example.test',
      serial: 1,
      refresh: 2,
      retry: 3,
      expire: 4,
      minttl: 5,
    },
    CAA: [{ critical: 128, issue: 'ca.test' }],
    NS: ['ns.example.test'],
    AAAA: [],
    A: 'TIMEOUT',
    secure: true,
  },
  'mx.example.test': { A: ['192.0.2.1'], AAAA: ['2001:DB8:0::1'] },
  '_25._tcp.mx.example.test': { TLSA: [{ certUsage: 3, selector: 1, match: 1, data: 'ABCD' }] },
  'www.example.test': { CNAME: ['far.test'] },
  'far.test': { A: ['192.0.2.2'] },
  'open.example.test': { A: ['192.0.2.3'], secure: false },
  'null.test': { MX: [{ priority: 0, exchange: '' }] },
  'words.test': { A: 'SERVFAIL', AAAA: 'refused', MX: 'NXDOMAIN', TXT: 'BOGUS', '*': 'TIMEOUT' },
  'bare.test': { '*': [] },
  'gone.test': { '*': 'NXDOMAIN' },
  'alias.test': { CNAME: ['gone.test'] },
  'one.test': { CNAME: ['two.test'] },
  'two.test': { CNAME: ['one.test'] },
  '1.2.0.192.in-addr.arpa': { PTR: ['MX.example.test.'] },
  'odd.test': { NAPTR: [{ replacement: 'x' }] },
  'deep.ent.test': { A: ['192.0.2.4'] },
};

const offline = recordedResolver(zone);

describe('a recorded answer', () => {
  test.for([
    ['example.test', 'MX', [{ preference: 10, exchange: 'mx.example.test' }]],
    ['EXAMPLE.test.', 'TXT', [['v=spf1 ', '-all'], ['caf\xc3\xa9']]],
    ['example.test', 'CAA', [{ flags: 128, tag: 'issue', value: 'ca.test' }]],
    ['example.test', 'NS', ['ns.example.test']],
    ['mx.example.test', 'A', ['192.0.2.1']],
    ['mx.example.test', 'AAAA', ['2001:db8::1']],
    ['_25._tcp.mx.example.test', 'TLSA', [{ certUsage: 3, selector: 1, match: 1, data: 'abcd' }]],
    ['null.test', 'MX', [{ preference: 0, exchange: '.' }]],
    ['1.2.0.192.in-addr.arpa', 'PTR', ['mx.example.test']],
    ['www.example.test', 'CNAME', ['far.test']],
  ] as const)('%s %s is found', async ([name, type, records]) => {
    expect(await offline.resolve(name, type)).toMatchObject({
      kind: 'found',
      records,
      server: 'cache',
      ttl: null,
    });
  });

  test('of type SOA stands alone', async () => {
    const soa = {
      mname: 'ns.example.test',
      rname: 'h.example.test',
      serial: 1,
      refresh: 2,
      retry: 3,
      expire: 4,
    };
    expect(await offline.resolve('example.test', 'SOA')).toMatchObject({ records: [{ ...soa, minimum: 5 }] });
  });

  test.for([
    ['example.test', 'AAAA', 'empty'],
    ['example.test', 'TLSA', 'empty'],
    ['bare.test', 'TXT', 'empty'],
    ['odd.test', 'A', 'empty'],
    ['ent.test', 'A', 'empty'],
    ['_tcp.mx.example.test', 'TLSA', 'empty'],
    ['missing.test', 'A', 'absent'],
    ['under.mx.example.test', 'A', 'absent'],
    ['gone.test', 'MX', 'absent'],
    ['words.test', 'MX', 'absent'],
  ] as const)('%s %s is %s', async ([name, type, kind]) => {
    expect(await offline.resolve(name, type)).toMatchObject({ kind });
  });

  test.for([
    ['example.test', 'A', 'TIMEOUT', 'indeterminate'],
    ['words.test', 'A', 'SERVFAIL', 'indeterminate'],
    ['words.test', 'AAAA', 'REFUSED', 'indeterminate'],
    ['words.test', 'TXT', 'SERVFAIL', 'bogus'],
    ['words.test', 'CAA', 'TIMEOUT', 'indeterminate'],
    ['one.test', 'A', 'LOOP', 'indeterminate'],
  ] as const)('%s %s failed: %s, %s', async ([name, type, rcode, dnssec]) => {
    expect(await offline.resolve(name, type)).toMatchObject({ kind: 'failed', rcode, dnssec });
  });

  test.for([
    ['example.test', 'MX', 'secure'],
    ['mx.example.test', 'A', 'secure'],
    ['missing.example.test', 'A', 'secure'],
    ['example.test', 'TLSA', 'secure'],
    ['www.example.test', 'A', 'insecure'], // the end of the CNAME is not
    ['www.example.test', 'CNAME', 'secure'],
    ['open.example.test', 'A', 'insecure'],
    ['below.open.example.test', 'A', 'insecure'],
    ['far.test', 'A', 'insecure'],
    ['notexample.test', 'A', 'insecure'],
  ] as const)('%s %s is %s', async ([name, type, dnssec]) => {
    expect(await offline.resolve(name, type)).toMatchObject({ dnssec });
  });

  test('a CNAME is followed, and the way told', async () => {
    expect(await offline.resolve('www.example.test', 'A')).toMatchObject({
      name: 'www.example.test',
      cnames: ['www.example.test'],
      owner: 'far.test',
      records: ['192.0.2.2'],
    });
    expect(await offline.resolve('alias.test', 'A')).toMatchObject({ kind: 'absent', owner: 'gone.test' });
  });

  test.for([
    [8, 'found'],
    [9, 'failed'],
  ] as const)('%s CNAMEs are %s', async ([count, kind]) => {
    const links = Array.from({ length: count }, (_, at) => [`h${at}.test`, { CNAME: [`h${at + 1}.test`] }]);
    const chain = recordedResolver(Object.fromEntries([...links, [`h${count}.test`, { A: ['192.0.2.1'] }]]));
    expect(await chain.resolve('h0.test', 'A')).toMatchObject({ kind });
  });

  test('the root can say for all that it is secure', async () => {
    const all = recordedResolver({ '.': { secure: true, NS: ['a.root.test'] } });
    expect(await all.resolve('missing.test', 'A')).toMatchObject({ kind: 'absent', dnssec: 'secure' });
    expect(await all.resolve('.', 'NS')).toMatchObject({ records: ['a.root.test'] });
  });

  test('names that objects have of their own are just names', async () => {
    const document: unknown = JSON.parse(
      '{"__proto__": {"A": ["192.0.2.9"], "__proto__": []}, "x": {"MX": []}}',
    );
    const resolver = recordedResolver(document);
    expect(await resolver.resolve('__proto__', 'A')).toMatchObject({ records: ['192.0.2.9'] });
    expect(await resolver.resolve('constructor', 'A')).toMatchObject({ kind: 'absent' });
    expect(await resolver.resolve('tostring', 'A')).toMatchObject({ kind: 'absent' });
  });
});

describe('with a fallback', () => {
  const asked: string[] = [];
  const network: Resolver = {
    async resolve(name, type) {
      asked.push(`${name} ${type}`);
      const meta = { name, type, dnssec: 'secure', cnames: [], ede: [], ttl: 9, server: 'net' } as const;
      return { ...meta, kind: 'empty' };
    },
  };
  const both = recordedResolver(zone, network);

  test.for([
    ['missing.test', 'A', ['missing.test A']],
    ['far.test', 'MX', ['far.test MX']],
    ['ent.test', 'A', ['ent.test A']],
    ['far.test', 'A', []],
    ['example.test', 'AAAA', []],
    ['gone.test', 'A', []],
    ['bare.test', 'A', []],
    ['words.test', 'CAA', []],
  ] as const)('%s %s asks it %j', async ([name, type, questions]) => {
    asked.length = 0;
    await both.resolve(name, type);
    expect(asked).toEqual(questions);
  });

  test('a recorded CNAME goes on there, and the weaker link decides about DNSSEC', async () => {
    const answer = await recordedResolver({ 'a.test': { CNAME: ['b.test'] } }, network).resolve(
      'a.test',
      'A',
    );
    expect(answer).toMatchObject({ name: 'a.test', cnames: ['a.test'], owner: 'b.test', dnssec: 'insecure' });
  });
});

test('offline without a recording everything fails, and nothing is absent', async () => {
  expect(await offlineResolver().resolve('A.test.', 'A')).toMatchObject({
    kind: 'failed',
    rcode: 'OFFLINE',
    name: 'a.test',
  });
});

function refusalOf(document: unknown): unknown {
  try {
    return recordedResolver(document);
  } catch (error) {
    return error;
  }
}

describe('a document that is none', () => {
  test.for([
    [null, '$ is not an object'],
    [[], '$ is not an object'],
    [{ 'a.test': [] }, '$["a.test"] is not an object'],
    [{ 'a.test': { A: {} } }, '$["a.test"]["A"] is neither a list nor one of'],
    [{ 'a.test': { A: 'YES' } }, '$["a.test"]["A"] is neither a list nor one of'],
    [{ 'a.test': { A: ['::1'] } }, '$["a.test"]["A"][0] is no IPv4 address'],
    [{ 'a.test': { AAAA: ['127.0.0.1'] } }, '$["a.test"]["AAAA"][0] is no IPv6 address'],
    [{ 'a.test': { AAAA: ['fe80::1%eth0'] } }, 'is no IPv6 address'],
    [
      { 'a.test': { MX: [{ priority: -1, exchange: 'x' }] } },
      '$["a.test"]["MX"][0].priority is not a whole number',
    ],
    [{ 'a.test': { MX: [{ priority: 1 }] } }, '$["a.test"]["MX"][0].exchange is not a text'],
    [{ 'a.test': { TXT: [[1]] } }, '$["a.test"]["TXT"][0][0] is not a text'],
    [
      { 'a.test': { TLSA: [{ certUsage: 3, selector: 1, match: 1, data: 'abc' }] } },
      '.data is not hexadecimal',
    ],
    [{ 'a.test': { CAA: [{ critical: 0 }] } }, 'needs one property'],
    [{ 'a.test': { SOA: 7 } }, '$["a.test"]["SOA"] is not an object'],
    [{ 'a.test': { '*': ['127.0.0.1'] } }, 'for every type'],
    [{ 'a.test': { secure: 'yes' } }, 'is neither true nor false'],
  ] as const)('%j is refused', ([document, message]) => {
    expect(refusalOf(document)).toMatchObject({
      code: 'E_DNS_CACHE',
      exit: 65,
      message: expect.stringContaining(message),
    });
  });

  test('with more records of a name than anybody has is refused', () => {
    const document = { 'a.test': { A: Array.from({ length: 513 }, () => '127.0.0.1') } };
    expect(refusalOf(document)).toMatchObject({ message: expect.stringContaining('more than 512') });
  });

  test('is told apart without a crash, whatever it is', () => {
    void fc.assert(
      fc.property(fc.jsonValue(), (document) => {
        try {
          recordedResolver({
            'a.test': { MX: [document], SOA: document, '*': document },
            'b.test': document,
          });
        } catch (error) {
          expect(error).toMatchObject({ code: 'E_DNS_CACHE' });
        }
      }),
    );
  });
});

describe('a recorder', () => {
  const questions = Object.keys(zone)
    .filter((name) => name !== '@meta')
    .concat('missing.test', 'below.example.test')
    .flatMap((name) =>
      (['A', 'AAAA', 'MX', 'TXT', 'SOA', 'CAA', 'NS', 'TLSA', 'PTR', 'CNAME'] as const).map(
        (type): readonly [string, RecordType] => [name, type],
      ),
    );

  test('writes what reads back the same, through JSON', async () => {
    const tape = recorder(offline, zone['@meta']);
    for (const [name, type] of questions) await tape.resolve(name, type);
    const document: unknown = JSON.parse(JSON.stringify(tape));
    expect(document).toHaveProperty(['@meta', 'resolver'], '192.0.2.53:53');
    const again = recordedResolver(document);
    for (const [name, type] of questions)
      expect(await again.resolve(name, type)).toEqual(await offline.resolve(name, type));
  });

  test('passes the answer on untouched', async () => {
    const tape = recorder(offline);
    expect(await tape.resolve('example.test', 'MX')).toEqual(await offline.resolve('example.test', 'MX'));
  });

  test('writes the form of Node, the root as an empty text', async () => {
    const tape = recorder(offline);
    await tape.resolve('null.test', 'MX');
    await tape.resolve('example.test', 'CAA');
    await tape.resolve('gone.test', 'MX');
    await tape.resolve('www.example.test', 'A');
    expect(tape.toJSON()).toEqual({
      'example.test': { CAA: [{ critical: 128, issue: 'ca.test' }], secure: true },
      'far.test': { A: ['192.0.2.2'] },
      'gone.test': { '*': 'NXDOMAIN' },
      'null.test': { MX: [{ priority: 0, exchange: '' }] },
      'www.example.test': { CNAME: ['far.test'] },
    });
  });

  test.for([
    ['NETWORK', 'TIMEOUT'],
    ['BUDGET', 'TIMEOUT'],
    ['FORMERR', 'SERVFAIL'],
    ['REFUSED', 'REFUSED'],
  ] as const)('writes %s as %s', async ([rcode, word]) => {
    const broken: Resolver = {
      async resolve(name, type): Promise<Answer<never>> {
        const meta = {
          name,
          type,
          dnssec: 'indeterminate',
          cnames: [],
          ede: [],
          ttl: null,
          server: '',
        } as const;
        return { ...meta, kind: 'failed', rcode, message: '' };
      },
    };
    const tape = recorder(broken);
    await tape.resolve('a.test', 'A');
    expect(tape.toJSON()).toEqual({ 'a.test': { A: word } });
  });
});
