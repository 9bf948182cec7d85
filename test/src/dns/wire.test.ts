import { type Answer, decode, encode } from 'dns-packet';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isAskable } from '../../../src/dns/names.ts';
import { MAX_RECORDS } from '../../../src/dns/reader.ts';
import type { RecordType } from '../../../src/dns/types.ts';
import { buildQuery, decodeReply, type Query } from '../../../src/dns/wire.ts';

const NO_CASE = { id: 0x1234, caseBits: null, pad: false };

function ask<T extends RecordType>(type: T, name = 'mx.test'): Query<T> {
  return buildQuery({ name, type, checkingDisabled: false, edns: true }, NO_CASE);
}

type Parts = { flags?: number; answers?: Answer[]; authorities?: Answer[]; additionals?: Answer[] };

function reply(query: Query, { flags = 0x0180, ...sections }: Parts = {}): Buffer {
  const { name, type } = query.question;
  return encode({ type: 'response', id: query.id, flags, questions: [{ name, type }], ...sections });
}

/** Header and question of a reply with counts of our choice; the records are added as bytes. */
function rawReply(query: Query, counts: { answers: number; additionals?: number }, ...records: Buffer[]) {
  const head = reply(query);
  head.writeUInt16BE(counts.answers, 6);
  head.writeUInt16BE(counts.additionals ?? 0, 10);
  return Buffer.concat([head, ...records]);
}

/** One record of class IN with the owner as a pointer to the question. */
function rawRecord(type: number, data: Buffer | string, { owner = Buffer.from([0xc0, 12]), ttl = 300 } = {}) {
  const bytes = typeof data === 'string' ? Buffer.from(data, 'latin1') : data;
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt32BE(ttl, 4);
  fixed.writeUInt16BE(bytes.length, 8);
  return Buffer.concat([owner, fixed, bytes]);
}

/** The records of a reply, or why there are none. */
function records<T extends RecordType>(query: Query<T>, bytes: Buffer): unknown {
  const decoded = decodeReply(bytes, query);
  return decoded.kind === 'reply' ? decoded.reply.records.map(({ data }) => data) : decoded;
}

describe('a query', () => {
  test('asks for recursion and AD, with EDNS 1232 and DO', () => {
    const packet = decode(ask('TLSA', '_25._tcp.mx.test').bytes);
    expect(packet).toMatchObject({ id: 0x1234, type: 'query', flags: 0x0120 });
    expect(packet.questions).toEqual([{ name: '_25._tcp.mx.test', type: 'TLSA', class: 'IN' }]);
    expect(packet.additionals).toMatchObject([{ type: 'OPT', udpPayloadSize: 1232, flag_do: true }]);
  });

  test('disables checking and leaves EDNS out when told to', () => {
    const question = { name: 'a.test', type: 'A', checkingDisabled: true, edns: false } as const;
    const packet = decode(buildQuery(question, NO_CASE).bytes);
    expect(packet).toMatchObject({ flags: 0x0130, additionals: [] });
  });

  test('mixes the case of letters by the bits given', () => {
    const question = { name: 'ab-c.test', type: 'A', checkingDisabled: false, edns: true } as const;
    const { sentName } = buildQuery(question, { ...NO_CASE, caseBits: Uint8Array.from([0b0010_0001, 0xff]) });
    expect(sentName).toBe('Ab-c.TesT');
  });

  test.for(['a.test', 'a-much-longer-name-than-that.of-a-host.test'])(
    'for %s is padded to blocks',
    (name) => {
      const question = { name, type: 'A', checkingDisabled: false, edns: true } as const;
      expect(buildQuery(question, { ...NO_CASE, pad: true }).bytes.length % 128).toBe(0);
    },
  );

  test('for the root has an empty name', () => {
    expect(decode(ask('NS', '.').bytes).questions).toEqual([{ name: '.', type: 'NS', class: 'IN' }]);
  });

  test.for([
    ['.', true],
    ['_25._tcp.mx.test', true],
    ['a b.test', false],
    ['a..test', false],
    ['', false],
    ['a\\.b.test', false],
    ['bücher.test', false],
    [`${'a'.repeat(63)}.test`, true],
    [`${'a'.repeat(64)}.test`, false],
    [`${'a.'.repeat(126)}a`, true],
    [`${'a.'.repeat(126)}aa`, false],
  ] as const)('%s can be asked: %s', ([name, expected]) => {
    expect(isAskable(name)).toBe(expected);
  });
});

describe('records', () => {
  test.for([
    ['A', 1, Buffer.from([192, 0, 2, 1]), '192.0.2.1'],
    ['AAAA', 28, Buffer.from('20010db8000000000000000000000001', 'hex'), '2001:db8::1'],
    ['MX', 15, '\0\x0a\x02MX\xc0\x0c', { preference: 10, exchange: 'mx.mx.test' }],
    ['MX', 15, '\0\0\0', { preference: 0, exchange: '.' }],
    ['NS', 2, '\x03a.b\x02\\c\x03\x00 \xff\x00', 'a\\.b.\\\\c.\\000\\032\\255'],
    ['PTR', 12, '\x02MX\x00', 'mx'],
    ['TXT', 16, '\x03abc\x00\x02\xc3\xa9', ['abc', '', '\xc3\xa9']],
    ['TXT', 16, '', []],
    ['TLSA', 52, '\x03\x01\x01\xab\xcd', { certUsage: 3, selector: 1, match: 1, data: 'abcd' }],
    ['CAA', 257, '\x80\x05Issueca.test', { flags: 128, tag: 'issue', value: 'ca.test' }],
    ['DS', 43, '\x12\x34\x0d\x02\xff', { keyTag: 0x1234, algorithm: 13, digestType: 2, digest: 'ff' }],
    ['DNSKEY', 48, '\x01\x01\x03\x0d\xff\xff', { flags: 257, algorithm: 13, key: '//8=' }],
  ] as const)('of type %s', ([type, code, data, expected]) => {
    const query = ask(type);
    expect(records(query, rawReply(query, { answers: 1 }, rawRecord(code, data)))).toEqual([expected]);
  });

  test('of type SOA', () => {
    const query = ask('SOA');
    const numbers = Buffer.alloc(20);
    [7, 2, 3, 4, 0xffff_ffff].map((value, index) => numbers.writeUInt32BE(value, index * 4));
    const data = Buffer.concat([Buffer.from('\x02ns\0\x0afirst.last\x04test\0', 'latin1'), numbers]);
    expect(records(query, rawReply(query, { answers: 1 }, rawRecord(6, data)))).toEqual([
      {
        mname: 'ns',
        rname: 'first\\.last.test',
        serial: 7,
        refresh: 2,
        retry: 3,
        expire: 4,
        minimum: 0xffff_ffff,
      },
    ]);
  });

  test.for([
    ['A', 1, '\x01\x02\x03'],
    ['A', 1, '\x01\x02\x03\x04\x05'],
    ['AAAA', 28, '\0'],
    ['MX', 15, '\0'],
    ['MX', 15, '\0\x0a\xc0\x0cjunk'],
    ['NS', 2, '\x01a'],
    ['TXT', 16, '\x05abc'],
    ['TLSA', 52, '\x03\x01'],
    ['CAA', 257, '\x00\x09issue'],
    ['CAA', 257, ''],
    ['DS', 43, '\0'],
    ['DNSKEY', 48, '\x01\x01\x02\x0d\xff'],
    ['SOA', 6, '\0\0\0\0\0\x01'],
  ] as const)('of type %s that do not fill their frame are malformed', ([type, code, data]) => {
    const query = ask(type);
    expect(records(query, rawReply(query, { answers: 1 }, rawRecord(code, data)))).toMatchObject({
      kind: 'malformed',
    });
  });

  test('that nobody asked for are not looked at, however broken', () => {
    const query = ask('A');
    const bytes = rawReply(query, { answers: 2 }, rawRecord(1, '\x7f\0\0\x01'), rawRecord(15, '\xff'));
    expect(records(query, bytes)).toEqual(['127.0.0.1']);
  });

  test('with the top bit of the time to live set have none', () => {
    const query = ask('A');
    const bytes = rawReply(query, { answers: 1 }, rawRecord(1, '\x7f\0\0\x01', { ttl: 0x8000_0000 }));
    expect(decodeReply(bytes, query)).toMatchObject({ reply: { records: [{ ttl: 0 }] } });
  });
});

describe('a hostile reply', () => {
  const query = ask('NS');
  const reason = (bytes: Buffer) => {
    const decoded = decodeReply(bytes, query);
    return decoded.kind === 'malformed' ? decoded.reason : decoded;
  };
  const dataOffset = reply(query).length + 12;
  const pointer = (target: number) => Buffer.from([0xc0 | (target >> 8), target & 0xff]);

  test('whose name points at itself', () => {
    expect(reason(rawReply(query, { answers: 1 }, rawRecord(2, pointer(dataOffset))))).toContain('points');
  });

  test('whose names point at each other', () => {
    const first = rawRecord(2, pointer(dataOffset + 14));
    const second = rawRecord(2, pointer(dataOffset));
    expect(reason(rawReply(query, { answers: 2 }, first, second))).toContain('points');
  });

  test('whose name grows beyond 255 bytes through a pointer', () => {
    const long = Buffer.concat(Array.from({ length: 3 }, () => Buffer.from(`\x3f${'a'.repeat(63)}`)));
    const first = rawRecord(2, Buffer.concat([long, Buffer.from([0])]));
    const second = rawRecord(2, Buffer.concat([Buffer.from(`\x3f${'b'.repeat(63)}`), pointer(dataOffset)]));
    expect(reason(rawReply(query, { answers: 2 }, first, second))).toContain('255');
  });

  test('whose name is a stairway of pointers', () => {
    const steps = Buffer.concat(Array.from({ length: 200 }, (_, step) => pointer(dataOffset + 2 * step)));
    const stairs = rawRecord(999, Buffer.concat([Buffer.from([0, 0]), steps]));
    const name = rawRecord(2, pointer(dataOffset + 400));
    expect(reason(rawReply(query, { answers: 2 }, stairs, name))).toContain('too many pointers');
  });

  test.for([0x40, 0x80, 0xbf])('with a label of kind 0x%s', (head) => {
    expect(reason(rawReply(query, { answers: 1 }, rawRecord(2, Buffer.from([head, 0]))))).toContain('kind');
  });

  test('that promises more records than it has', () => {
    expect(reason(rawReply(query, { answers: 9 }, rawRecord(2, '\0')))).toContain('too soon');
  });

  test('that promises more records than anybody has', () => {
    expect(reason(rawReply(query, { answers: 65_535 }))).toContain(String(MAX_RECORDS));
  });

  test('with two OPT records', () => {
    const opt = rawRecord(41, '', { owner: Buffer.from([0]) });
    expect(reason(rawReply(query, { answers: 0, additionals: 2 }, opt, opt))).toContain('OPT');
  });

  test('with an option longer than its record', () => {
    const opt = rawRecord(41, '\0\x0f\0\xff\0\x06', { owner: Buffer.from([0]) });
    expect(reason(rawReply(query, { answers: 0, additionals: 1 }, opt))).toContain('too soon');
  });

  test('that is our own query come back', () => {
    expect(reason(query.bytes)).toContain('not a reply');
  });

  test('with bytes behind the last record: they are nobody’s', () => {
    const bytes = Buffer.concat([
      rawReply(query, { answers: 1 }, rawRecord(2, '\0')),
      rawRecord(2, '\x01a\0'),
    ]);
    expect(records(query, bytes)).toEqual(['.']);
  });

  test.for([
    ['another id', { id: 1 }, 'id'],
    ['another name', { questions: [{ name: 'evil.test', type: 'NS' }] }, 'question'],
    ['another type', { questions: [{ name: 'mx.test', type: 'A' }] }, 'question'],
    ['another class', { questions: [{ name: 'mx.test', type: 'NS', class: 'CH' }] }, 'question'],
    ['another case', { questions: [{ name: 'mX.test', type: 'NS' }] }, 'case'],
    ['no question', { questions: [] }, 'question'],
  ] as const)('with %s is foreign', ([, bent, what]) => {
    const base = { type: 'response', id: query.id, flags: 0x0180 } as const;
    const questions = [{ name: 'mx.test', type: 'NS' } as const];
    const bytes = encode({ ...base, questions, ...bent } as Parameters<typeof encode>[0]);
    expect(decodeReply(bytes, query)).toEqual({ kind: 'foreign', what });
  });

  test('with a dot inside a label is not the name it looks like', () => {
    const dotted = ask('A', 'a.b.test');
    const head = reply(dotted);
    const owner = Buffer.from('\x03a.b\x04test\0', 'latin1');
    head.writeUInt16BE(1, 6);
    const bytes = Buffer.concat([head, rawRecord(1, '\x7f\0\0\x01', { owner })]);
    const decoded = decodeReply(bytes, dotted);
    expect(decoded).toMatchObject({ reply: { records: [{ owner: 'a\\.b.test' }] } });
  });
});

describe('a reply', () => {
  test('tells rcode, flags and extended errors', () => {
    const query = ask('A');
    // Extended rcode 1 over 0 is 16; option 15 with code 7 and a text that ends in NUL.
    const opt = rawRecord(41, '\0\x0a\0\x02ab\0\x0f\0\x06\0\x07old\0', {
      owner: Buffer.from([0]),
      ttl: 1 << 24,
    });
    const bytes = rawReply(query, { answers: 0, additionals: 1 }, opt);
    bytes.writeUInt16BE(0x85a0, 2);
    expect(decodeReply(bytes, query)).toMatchObject({
      kind: 'reply',
      reply: {
        rcode: 'BADVERS',
        authoritative: true,
        authenticData: true,
        recursionAvailable: true,
        truncated: false,
        edns: true,
        ede: [{ code: 7, name: 'Signature Expired', text: 'old' }],
      },
    });
  });

  test('that is cut is not read any further', () => {
    const query = ask('A');
    const bytes = rawReply(query, { answers: 5 }, Buffer.from([0xc0]));
    bytes.writeUInt16BE(0x8380, 2);
    expect(decodeReply(bytes, query)).toMatchObject({
      kind: 'reply',
      reply: { truncated: true, records: [] },
    });
  });

  test('takes the time to keep a denial from the lesser of TTL and minimum', () => {
    const query = ask('A');
    const data = {
      mname: 'ns.test',
      rname: 'h.test',
      serial: 1,
      refresh: 1,
      retry: 1,
      expire: 1,
      minimum: 60,
    };
    const authorities: Answer[] = [{ type: 'SOA', name: 'test', ttl: 600, data }];
    expect(decodeReply(reply(query, { authorities }), query)).toMatchObject({ reply: { negativeTtl: 60 } });
  });

  test('of a server that understood nothing may leave the question out', () => {
    const query = ask('A');
    const bytes = encode({ type: 'response', id: query.id, flags: 1, questions: [] });
    expect(decodeReply(bytes, query)).toMatchObject({
      kind: 'reply',
      reply: { rcode: 'FORMERR', edns: false },
    });
  });
});

describe('decoding', () => {
  const types = [
    'A',
    'AAAA',
    'MX',
    'NS',
    'SOA',
    'TXT',
    'TLSA',
    'CAA',
    'DS',
    'DNSKEY',
    'CNAME',
    'PTR',
  ] as const;

  test('never throws for random bytes behind our header', () => {
    void fc.assert(
      fc.property(fc.constantFrom(...types), fc.uint8Array({ maxLength: 300 }), (type, noise) => {
        const query = ask(type);
        const bytes = rawReply(query, { answers: 3 }, Buffer.from(noise));
        expect(['reply', 'malformed']).toContain(decodeReply(bytes, query).kind);
      }),
    );
  });

  test('never throws for random bytes alone', () => {
    void fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (noise) => {
        expect(decodeReply(Buffer.from(noise), ask('A')).kind).toBeTypeOf('string');
      }),
    );
  });

  test('never throws for a reply with bytes changed, cut or added', () => {
    const change = fc.tuple(fc.nat(1000), fc.nat(255));
    void fc.assert(
      fc.property(fc.constantFrom(...types), fc.array(change), fc.nat(400), (type, changes, length) => {
        const query = ask(type);
        const bytes = rawReply(query, { answers: 1 }, rawRecord(15, '\0\x0a\xc0\x0c'), Buffer.alloc(64));
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        expect(decodeReply(bytes.subarray(0, length), query).kind).toBeTypeOf('string');
      }),
    );
  });

  test('agrees with dns-packet about what dns-packet wrote', () => {
    const label = fc.stringMatching(/^[a-z0-9-]{1,12}$/);
    const name = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join('.'));
    const mx = fc.record({ preference: fc.nat(65_535), exchange: name });
    void fc.assert(
      fc.property(fc.uniqueArray(mx, { maxLength: 20, selector: JSON.stringify }), (exchangers) => {
        const query = ask('MX');
        const answers = exchangers.map((data) => ({ type: 'MX', name: 'mx.test', ttl: 5, data }) as const);
        expect(records(query, reply(query, { answers }))).toEqual(exchangers);
      }),
    );
  });
});
