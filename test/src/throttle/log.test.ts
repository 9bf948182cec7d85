import { Readable } from 'node:stream';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NAMES } from '../../../src/throttle/log/json.ts';
import { readLines } from '../../../src/throttle/log/lines.ts';
import { expanded } from '../../../src/throttle/log/open.ts';
import { createLogParser } from '../../../src/throttle/log/parse.ts';
import { LineScanner } from '../../../src/throttle/log/scan.ts';
import { requestOf } from '../../../src/throttle/visitors.ts';
import { saidBy } from '../../helpers/scanned.ts';

const TIME = Date.UTC(2015, 4, 17, 10, 5, 3);

/** One line by itself: `client site bytes`, or null. */
function read(line: string): string | null {
  const entry = createLogParser()(line);
  return entry === null || entry === 'comment'
    ? entry
    : `${entry.client} ${entry.site} ${entry.bytes} ${entry.timeMs - TIME} ${entry.status}`;
}

const at = '[17/May/2015:10:05:03 +0000]';

describe('a request is read from', () => {
  test.for([
    ['common', `192.0.2.1 - - ${at} "GET / HTTP/1.1" 200 512`, '192.0.2.1 null 512 0 200'],
    ['combined', `192.0.2.1 - - ${at} "GET / HTTP/1.1" 200 512 "-" "curl/8"`, '192.0.2.1 null 512 0 200'],
    ['no size', `192.0.2.1 - - ${at} "GET / HTTP/1.1" 304 -`, '192.0.2.1 null 0 0 304'],
    ['IPv6', `2001:db8::7 - - ${at} "GET / HTTP/1.1" 200 1`, '2001:db8::7 null 1 0 200'],
    ['host name', `in24.example.net - - ${at} "GET / HTTP/1.0" 200 1839`, 'in24.example.net null 1839 0 200'],
    [
      'virtual host',
      `www.example.org:443 192.0.2.1 - - ${at} "GET / HTTP/1.1" 200 5`,
      '192.0.2.1 www.example.org:443 5 0 200',
    ],
    [
      'virtual host without port',
      `example.org 2001:db8::1 - - ${at} "GET / HTTP/1.1" 200 5`,
      '2001:db8::1 example.org 5 0 200',
    ],
    ['a user with blanks', `192.0.2.1 - jo doe ${at} "GET / HTTP/1.1" 200 5`, '192.0.2.1 null 5 0 200'],
    [
      'another zone',
      `192.0.2.1 - - [17/May/2015:12:05:03 +0200] "GET / HTTP/1.1" 200 5`,
      '192.0.2.1 null 5 0 200',
    ],
    ['a line in quotes', `"192.0.2.1 - - ${at} "GET / HTTP/1.1" 200 5 "-" "x""`, '192.0.2.1 null 5 0 200'],
    [
      'what Traefik adds',
      `192.0.2.1 - - ${at} "GET / HTTP/1.1" 200 5 "-" "-" 7 "web@file" "http://x" 3ms`,
      '192.0.2.1 null 5 0 200',
    ],
    [
      'nginx JSON',
      '{"remote_addr":"192.0.2.1","time_iso8601":"2015-05-17T12:05:03+02:00","host":"example.org","bytes_sent":"77","status":"200"}',
      '192.0.2.1 example.org 77 0 200',
    ],
    [
      'Caddy JSON',
      '{"ts":1431857103.25,"request":{"remote_ip":"192.0.2.1","host":"example.org","uri":"/"},"size":9,"status":404}',
      '192.0.2.1 example.org 9 250 404',
    ],
    [
      'Traefik JSON',
      '{"ClientHost":"192.0.2.1","StartUTC":"2015-05-17T10:05:03Z","time":"2015-05-17T10:05:09Z","DownstreamContentSize":4,"DownstreamStatus":200,"RequestHost":"example.org"}',
      '192.0.2.1 example.org 4 0 200',
    ],
    [
      'HAProxy',
      'May 17 10:05:03 lb haproxy[7]: 192.0.2.1:33317 [17/May/2015:10:05:03.655] http-in static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {x} {} "GET / HTTP/1.1"',
      '192.0.2.1 null 2750 0 200',
    ],
  ] as const)('%s', ([, line, expected]) => {
    expect(read(line)).toBe(expected);
  });

  test('W3C, whose fields are told in the log', () => {
    const parse = createLogParser();
    expect(parse('#Software: Microsoft Internet Information Services 10.0')).toBe('comment');
    expect(parse('#Fields: date time cs-method cs-uri-stem c-ip cs(User-Agent) sc-status sc-bytes')).toBe(
      'comment',
    );
    expect(parse('2015-05-17 10:05:03 GET /a 192.0.2.1 Mozilla/5.0+(X11) 200 123')).toMatchObject({
      timeMs: TIME,
      client: '192.0.2.1',
      bytes: 123,
      userAgent: 'Mozilla/5.0 (X11)',
    });
  });
});

describe('a hostile line cannot pass for another', () => {
  test.for([
    [
      'a time in the name of the user',
      `192.0.2.1 - x[01/Jan/2000:00:00:00_+0000] ${at} "GET / HTTP/1.1" 401 5`,
      '192.0.2.1 null 5 0 401',
    ],
    [
      'a request within the name of the user',
      `192.0.2.1 - a\\" 200 9 ${at} "GET / HTTP/1.1" 401 5`,
      '192.0.2.1 null 5 0 401',
    ],
    [
      'escaped quotes in the request',
      `192.0.2.1 - - ${at} "GET /\\" 200 999999 HTTP/1.1" 200 5`,
      '192.0.2.1 null 5 0 200',
    ],
    [
      'an escaped backslash before the end',
      `192.0.2.1 - - ${at} "GET /\\\\" 200 5`,
      '192.0.2.1 null 5 0 200',
    ],
    [
      'bare quotes in the request of an old server',
      `192.0.2.1 - - ${at} "GET /"x" HTTP/1.0" 404 -`,
      '192.0.2.1 null 0 0 404',
    ],
    [
      'bytes that are no text',
      `192.0.2.1 - - ${at} "\x16\x03\x01\xff\x1b[2J" 400 226`,
      '192.0.2.1 null 226 0 400',
    ],
  ] as const)('%s', ([, line, expected]) => {
    expect(read(line)).toBe(expected);
  });

  test.for([
    '',
    '"',
    '""',
    '{',
    '{}',
    '[]',
    'null',
    '{"remote_addr":"192.0.2.1","time_iso8601":"yesterday","bytes_sent":1}',
    '{"remote_addr":"\u001b[31m","time_iso8601":"2015-05-17T10:05:03Z"}',
    '{"remote_addr":{"a":1},"time_iso8601":"2015-05-17T10:05:03Z","bytes_sent":1}',
    ` ${at} "GET / HTTP/1.1" 200 5`,
    `- - - ${at} "GET / HTTP/1.1" 200 5`,
    `\x1b[31mx - - ${at} "GET / HTTP/1.1" 200 5`,
    `${'a'.repeat(300)} - - ${at} "GET / HTTP/1.1" 200 5`,
    `192.0.2.1 - - [31/Nov/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5`,
    `192.0.2.1 - - [17/May/2015:24:05:03 +0000] "GET / HTTP/1.1" 200 5`,
    `192.0.2.1 - - [17/May/2015:10:05:99 +0000] "GET / HTTP/1.1" 200 5`,
    `192.0.2.1 - - [17/May/2015:10:05:03] "GET / HTTP/1.1" 200 5`,
    `192.0.2.1 - - ${at} "GET / HTTP/1.1" 200 -5`,
    `192.0.2.1 - - ${at} "GET / HTTP/1.1" 200 99999999999999999999`,
    `192.0.2.1 - - ${at} "GET / HTTP/1.1`,
    `192.0.2.1 - - ${at} "GET / HTTP/1.1" 2000 5`,
    ' "Python-urllib/2.7"',
  ])('%j is no request', (line) => {
    expect(read(line)).toBeNull();
  });

  test('no line makes the parser fail, whatever is in it', () => {
    const valid = `192.0.2.1 - - ${at} "GET / HTTP/1.1" 200 512 "-" "x"`;
    const damaged = fc.tuple(fc.nat(valid.length), fc.nat(20), fc.string({ unit: 'binary', maxLength: 30 }));
    const parse = createLogParser();
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json(), damaged), (input) => {
        const line =
          typeof input === 'string'
            ? input
            : valid.slice(0, input[0]) + input[2] + valid.slice(input[0] + input[1]);
        expect(() => parse(line)).not.toThrow();
      }),
      { numRuns: 800 },
    );
  });
});

describe('the scanner', () => {
  const combined = `www.example.org:443 192.0.2.1 - jo ${at} "GET /a.CSS?b HTTP/1.1" 200 512 "https://example.org/" "curl/8"`;
  const nginx =
    '{"remote_addr":"192.0.2.1","time_iso8601":"2015-05-17T12:05:03+02:00","host":"example.org","request_uri":"/a.css","bytes_sent":"77","status":"200","http_referer":"-","http_user_agent":"curl/8"}';
  const caddy =
    '{"level":"info","ts":1431857103.25,"request":{"remote_ip":"192.0.2.1","host":"example.org","uri":"/?a\\u0026b","headers":{"User-Agent":["curl/8"],"Referer":["https://example.org/"]}},"size":9,"status":404}';
  const traefik =
    '{"ClientHost":"192.0.2.1","StartUTC":"2015-05-17T10:05:03.123456789Z","DownstreamContentSize":4,"RequestHost":"example.org","RequestPath":"/x","Overhead":1e-3,"request_User-Agent":"Mozilla/5.0"}';

  /** As a server writes them by default: headers of both sides, escapes in them, and what is the same in every line. */
  const whole =
    '{"level":"info","ts":1431857103.2500012,"msg":"handled request","request":{"method":"GET","remote_ip":"192.0.2.1","remote_port":"4711","proto":"HTTP/2.0","host":"example.org","uri":"/a.css","headers":{"User-Agent":["curl/8"],"Accept":["*/*","a/b"],"Sec-Ch-Ua":["\\"C\\";v=\\"1\\""]},"tls":{"resumed":false,"version":772}},"user_id":"","duration":0.0005,"size":9,"status":200,"resp_headers":{"Server":["Caddy"],"Etag":["\\"x\\""]}}';

  /** Read lines both ways. @returns how many the scanner took */
  function compare(texts: readonly string[], scanner = new LineScanner()): number {
    scanner.open(Buffer.from(texts.map((text) => `${text}\n`).join(''), 'latin1'));
    let taken = 0;
    let from = 0;
    for (const text of texts) {
      const end = scanner.endOf(from);
      if (scanner.scan(from, end)) {
        taken += 1;
        const entry = createLogParser()(text.replace(/\r$/, ''));
        expect(entry === null || entry === 'comment' ? entry : requestOf(entry), text).toEqual(
          saidBy(scanner),
        );
      }
      from = end + 1;
    }
    return taken;
  }

  test('reads plain lines, remembered parts and all', () => {
    const scanner = new LineScanner();
    const lines = Buffer.from(`${combined}\n`.repeat(2));
    scanner.open(lines);
    for (const from of [0, combined.length + 1]) {
      expect(scanner.scan(from, scanner.endOf(from))).toBe(true);
      expect(scanner.request).toMatchObject({
        who: { client: '192.0.2.1', site: 'www.example.org:443' },
        bytes: 512,
        isAsset: true,
        isReferred: true,
        isTool: true,
      });
    }
  });

  test('takes the lines of nginx, Caddy and Traefik, in whatever zone and with whatever fraction', () => {
    const plain = caddy.replace('\\u0026', '&');
    const times = ['10:05:03Z', '10:05:59.9999Z', '10:06:00,5+00:00', '23:59:59.001-0130', '12:00:01+02:00'];
    const others = times.map((time) => traefik.replace('10:05:03.123456789Z', time));
    const epoch = nginx.replace('"time_iso8601":"2015-05-17T12:05:03+02:00"', '"msec":"1431857103.250"');
    const spaced = nginx.replaceAll(',"', ' , "').replaceAll('":', '"\t: ');
    const lines = [nginx, nginx, plain, plain, traefik, ...others, epoch, spaced, `${nginx}\r`, nginx];
    expect(compare(lines)).toBe(lines.length);
    expect(compare([caddy])).toBe(0);
  });

  test('takes members in whatever order they come, and whichever there are', () => {
    const headers = [
      '"Accept":["*/*"]',
      '"User-Agent":["curl/8"]',
      '"Referer":["-"]',
      '"Via":["a","b"]',
      '"X":[]',
    ];
    const lines = Array.from({ length: 200 }, (_, turn) => {
      const at = turn % headers.length;
      const some = [...headers.slice(at), ...headers.slice(0, at)].filter(
        (_each, index) => (turn >> index) % 2,
      );
      return whole.replace(/"headers":\{.*?\}/, `"headers":{${some.join(',')}}`);
    });
    const scanner = new LineScanner();
    compare(lines, scanner);
    // Only an object without anything in it may be left to others.
    expect(compare(lines, scanner)).toBe(lines.length);
  });

  test('takes members with a name of their own in each line, however many there are', () => {
    const scanner = new LineScanner();
    const strange = Array.from({ length: 3000 }, (_, line) => {
      const headers = Array.from({ length: 40 }, (_each, index) => `"X-${line}-${index}":["1"]`);
      return whole.replace('"Accept":["*/*","a/b"]', headers.join(','));
    });
    expect(compare(strange, scanner)).toBe(strange.length);
    expect(compare([whole, whole], scanner)).toBe(2);
  });

  test.for([
    ['another value', '"HTTP/2.0"', '"HTTP/1.1"', true],
    ['a longer one', '"HTTP/2.0"', '"HTTP/2.0 and more than that"', true],
    ['one that begins so', '"version":772', '"version":7720', true],
    ['a number in place of a text', '"HTTP/2.0"', '2', true],
    ['a list in place of a text', '"HTTP/2.0"', '["HTTP/2.0"]', true],
    ['an object in place of a text', '"HTTP/2.0"', '{"a":{"b":1}}', true],
    ['one that is missing', '"proto":"HTTP/2.0",', '', true],
    ['blanks', '"proto":"HTTP/2.0",', ' "proto" : "HTTP/2.0" ,', true],
    ['a name that counts, once more', '"proto"', '"remote_ip"', false],
    ['an object that counts, once more', '"tls"', '"headers"', false],
    ['the whole request, once more', '"user_id":""', '"request":{"a":1}', false],
    ['no end of an object', '"version":772}', '"version":772', false],
    ['one end of an object too many', '"version":772}', '"version":772}}}', false],
    ['a control character', 'HTTP/2.0', 'HTTP\t2.0', false],
    ['no number', '0.0005', '0.0005.1', false],
    ['a word cut off', 'false', 'fals', false],
  ] as const)('where everything was the same for long, %s is seen', ([, from, to, isTaken]) => {
    expect(whole).toContain(from);
    const usual = Array.from({ length: 60 }, (_, turn) => whole.replace('4711', String(4711 + turn)));
    const scanner = new LineScanner();
    expect(compare(usual, scanner)).toBe(usual.length);
    expect(compare([whole.replace(from, to), whole], scanner)).toBe(isTaken ? 2 : 1);
  });

  test('reads seconds since the epoch as they are read as numbers, to the millisecond', () => {
    const scanner = new LineScanner();
    const seconds = fc.constantFrom(
      '1431857103',
      '1431857104',
      '1999999999',
      '4294967295',
      '4294967296',
      '0999999999',
    );
    const fraction = fc.oneof(
      fc.stringMatching(/^[0-9]{0,9}$/),
      fc
        .tuple(fc.nat(999), fc.constantFrom('0', '0000001', '999', '9999999', '001', '998', '5'))
        .map(([millis, rest]) => `${String(millis).padStart(3, '0')}${rest}`),
    );
    fc.assert(
      fc.property(seconds, fraction, fc.constantFrom('', '"'), (whole_, part, quote) => {
        const time = `${quote}${whole_}${part === '' ? '' : `.${part}`}${quote}`;
        compare([caddy.replace('1431857103.25', time).replace('\\u0026', '&')], scanner);
      }),
      { numRuns: 2000 },
    );
    expect(compare([whole, whole.replace('3.2500012', '3.9999999')], scanner)).toBe(2);
  });

  test('a zero byte in the name of a file is a part of it', () => {
    expect(compare([combined.replace('.CSS', '.\x00CSS')])).toBe(1);
  });

  test.for([
    ['a member that stands twice', '"bytes_sent":"77"', '"bytes_sent":1,"bytes_sent":2'],
    ['a name with an escape', '"remote_addr"', '"remote\\u005faddr"'],
    ['an escape in what counts', '192.0.2.1', '192.0.2\\u002e1'],
    ['a number for a client', '"192.0.2.1"', '7'],
    ['a size with an exponent', '"bytes_sent":"77"', '"bytes_sent":7e1'],
    ['a size that no number holds', '"bytes_sent":"77"', '"bytes_sent":12345678901234567'],
    ['midnight that is written 24', 'T12:05:03', 'T24:00:00'],
    ['a second after that', 'T12:05:03', 'T24:00:01'],
    ['a leap second', 'T12:05:03', 'T12:05:60'],
    ['a number that begins with zeros', '"status":"200"', '"status":007'],
    ['a control character', '"status":"200"', '"x":"\t"'],
    ['a comma too many', '"status":"200"', '"status":"200",'],
    ['a colon too many', '"status":', '"status"::'],
    ['something behind it', '"http_user_agent":"curl/8"}', '"http_user_agent":"curl/8"}}'],
    ['no end', '"http_user_agent":"curl/8"}', '"http_user_agent":"curl/8"'],
    ['a word that is none', '"status":"200"', '"status":nul'],
    ['lists in lists', '"status":"200"', `"x":${'['.repeat(40)}${']'.repeat(40)}`],
  ] as const)('leaves %s to the parser of whole lines', ([, from, to]) => {
    expect(nginx).toContain(from);
    expect(compare([nginx, nginx.replace(from, to)])).toBe(1);
  });

  test('says nothing else than the parser of whole lines, whatever the line', () => {
    const junk = fc.constantFrom(
      ...'"|\\|{|#|-|[|]| |.js|.woff2?|999|\r|\x80|/:9 |,|}|:|null|\\u0041|0|.5|e3|+|\x00|\t'.split('|'),
      combined,
      at,
      '',
    );
    const scanner = new LineScanner();
    const templates = [combined, nginx, caddy, traefik, whole];
    // What was read often is read by what is remembered of it.
    for (let turn = 0; turn < 30; turn += 1) compare(templates, scanner);
    const edits = fc.array(fc.tuple(fc.nat(whole.length), fc.nat(4), junk), { maxLength: 3 });
    const lines = fc.array(fc.tuple(fc.constantFrom<string>(...templates), edits), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(lines, (each) => {
        const texts = each.map(([whole, changes]) =>
          changes.reduce(
            (line, [from, cut, put]) => line.slice(0, from) + put + line.slice(from + cut),
            whole,
          ),
        );
        compare(texts, scanner);
      }),
      { numRuns: 1500 },
    );
  });

  test('says nothing else about objects, whatever their members', () => {
    const names = [...Object.values(NAMES).flat(), 'headers', 'User-Agent', 'Referer', 'x', 'y"', 'request'];
    const text = fc.constantFrom(
      '192.0.2.1',
      '[2001:db8::1]:80',
      'example.org',
      '-',
      '',
      '12',
      '/a.css',
      'é\\',
      'curl',
    );
    const time = fc.constantFrom(
      at.slice(1, -1),
      '2015-05-17T10:05:03Z',
      '2015-05-17 10:05:03.25+0130',
      '1431857103.5',
    );
    const number = fc.constantFrom(
      '0',
      '-1',
      '12',
      '1431857103',
      '1431857103.2514567',
      '1e3',
      '0.5',
      '9'.repeat(400),
    );
    const quoted = fc.oneof(text, time).map((each) => JSON.stringify(each));
    const plain = fc.oneof(quoted, number, fc.constantFrom('null', 'true', '[]', '{}', '["a",1]', '[["b"]]'));
    const object = (value: fc.Arbitrary<string>) =>
      fc
        .array(fc.tuple(fc.constantFrom(...names), value), { maxLength: 9 })
        .map((all) => `{${all.map(([name, each]) => `${JSON.stringify(name)}:${each}`).join(',')}}`);
    const lists = fc.array(plain, { maxLength: 2 }).map((all) => `[${all.join(',')}]`);
    const headers = object(lists).map((each) => each.replace('"x":', '"User-Agent":'));
    const request = object(fc.oneof(plain, headers)).map((each) => each.replace('"x":', '"headers":'));
    const scanner = new LineScanner();
    let taken = 0;
    fc.assert(
      fc.property(object(fc.oneof(plain, plain, request)), quoted, time, (body, client, when) => {
        const lead = `{"remote_addr":${client},"request":{"client_ip":"192.0.2.9"},"StartUTC":"${when}"`;
        taken += compare([body, `${lead}${body === '{}' ? '}' : `,${body.slice(1)}`}`], scanner);
      }),
      { numRuns: 3000 },
    );
    expect(taken).toBeGreaterThan(0);
  });
});

describe('lines', () => {
  const collect = async (chunks: readonly (string | Buffer)[]) => {
    const lines: (string | null)[] = [];
    const source = Readable.from(chunks.map((each) => Buffer.from(each as string)));
    for await (const group of readLines(expanded(source)))
      lines.push(...(group === null ? [null] : group.toString('latin1').split('\n').slice(0, -1)));
    return lines;
  };

  test('are found whatever pieces they come in, with either end and without', async () => {
    expect(await collect(['a\r\nb', 'c\n', '\nd', '\n', 'e'])).toEqual(['a\r', 'bc', '', 'd', 'e']);
  });

  test('that are too long are not kept, and the next one is read', async () => {
    const long = 'x'.repeat(700_000);
    expect(await collect([long, long, long, 'y\nnext\n', 'z'])).toEqual([null, 'next', 'z']);
    expect(await collect([`${long}${long}\nnext`])).toEqual([null, 'next']);
    expect(await collect([long, long])).toEqual([null]);
  });

  test.for([
    ['gzip', gzipSync('one\ntwo\n')],
    ['Zstandard', zstdCompressSync('one\ntwo\n')],
  ] as const)('are read from %s, a byte at a time', async ([, bytes]) => {
    expect(await collect([bytes])).toEqual(['one', 'two']);
  });

  test('of a file that was cut off are read up to there, and then it fails', async () => {
    const bytes = gzipSync(Buffer.from(Array.from({ length: 50_000 }, (_, i) => `line ${i}`).join('\n')));
    await expect(collect([bytes.subarray(0, bytes.length >> 1)])).rejects.toMatchObject({
      code: 'Z_BUF_ERROR',
    });
  });

  test('an empty file has none', async () => {
    expect(await collect([])).toEqual([]);
  });
});
