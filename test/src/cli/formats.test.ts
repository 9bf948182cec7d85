import { parse as parseCsv } from 'csv-parse/sync';
import fc from 'fast-check';
import { SaxesParser } from 'saxes';
import { describe, expect, test } from 'vitest';
import { openDocument, type WrittenFormat } from '../../../src/cli/formats/open.ts';
import type { About, Figure, Located, Row } from '../../../src/cli/formats/types.ts';
import type { Check } from '../../../src/report.ts';
import {
  FORMULA,
  OBEYED,
  promtoolComplaints,
  READERS,
  readPerfdata,
  validateSarif,
} from '../../helpers/readers.ts';

const TIME_MS = Date.UTC(2026, 10, 24, 9, 15, 6);

const ABOUT: About = {
  command: 'mx probe',
  tool: { name: 'postern', version: '0.1.0' },
  targets: 'name',
  counts: (status) => status,
};

async function write(format: WrittenFormat, rows: readonly Row[], about: About = ABOUT): Promise<string> {
  const document = await openDocument(format, about);
  if (!document) throw new Error(`there is no writer for ${format}`);
  return rows.map((row) => document.row(row)).join('') + document.end();
}

function found(status: Check['status'], id: string, more: Partial<Check> = {}): Located {
  return { where: 'mx.example.org [192.0.2.25]', check: { id, status, message: `About ${id}.`, ...more } };
}

const GOOD: Row = {
  target: 'good.example',
  timeMs: TIME_MS,
  status: 'ok',
  summary: 'Mail to good.example is encrypted.',
  findings: [
    found('ok', 'smtp.starttls.offered'),
    found('ok', 'cert.expiry', { info: true, evidence: '88 days' }),
  ],
  figures: [
    { name: 'certificate_expiry', help: 'How long it is valid.', unit: 'days', value: 88, where: 'mx' },
    { name: 'elapsed', help: 'How long it took.', unit: 'seconds', value: 0.25, where: 'mx' },
  ],
};

const BAD: Row = {
  target: 'bad.example',
  timeMs: TIME_MS,
  status: 'crit',
  summary: 'Mail to bad.example goes in plaintext.',
  findings: [
    found('crit', 'smtp.starttls.offered', {
      evidence: 'SIZE PIPELINING',
      fix: 'Switch it on.',
      ref: 'RFC 3207',
    }),
    found('warn', 'smtp.banner'),
    found('unknown', 'dns.address'),
  ],
  figures: [],
};

const FAILED: Row = {
  target: 'not a domain',
  timeMs: TIME_MS,
  status: 'unknown',
  summary: "'not a domain' has spaces.",
  findings: [],
  figures: [],
  failure: { code: 'E_TARGET', message: "'not a domain' has spaces.", hint: 'Give a domain.', exit: 64 },
};

const ROWS = [GOOD, BAD, FAILED];

/** Text that has broken somebody's format before. */
const HOSTILE = [
  '',
  '=cmd|"/c calc"!A1',
  '  +1',
  '@SUM(1)',
  '-2+3',
  '\t=1',
  '＝1',
  'a;=1',
  '"quoted", and more\r\nsecond line',
  "it's | perf='1'",
  ']]><!-- & -->',
  '</testcase><script>',
  '\u0000\u0007\u001b[31mred\u001b]8;;https://evil.example\u0007',
  '\u009b31m\u0085\u2028\u2029',
  '\u202eevil\u2066\u200b\ufeff',
  '\ud800 alone \udfff',
  '\ufffe\uffff',
  '\u{e0041}\u{1d173}',
  '%0A::error::injected',
  '\n::set-output name=x::y',
  'x ##[add-mask]y',
  '\\" } 1\nother_metric 2',
  '| a | b |\n|---|---|',
  '[link](javascript:alert(1)) https://evil.example www.evil.example @someone',
  'x'.repeat(5000),
  'ü'.repeat(3000),
  'é漢字🙂',
];

const hostile = fc.oneof(
  fc.constantFrom(...HOSTILE),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
);

const checkId = fc.constantFrom('smtp.banner', 'cert.expiry', 'dns.mx');
const hostileCheck: fc.Arbitrary<Check> = fc.record(
  {
    id: checkId,
    status: fc.constantFrom('ok', 'warn', 'crit', 'unknown'),
    message: hostile,
    evidence: hostile,
    fix: hostile,
    ref: hostile,
  },
  { requiredKeys: ['id', 'status', 'message'] },
);
const hostileFigure: fc.Arbitrary<Figure> = fc.record({
  name: fc.constantFrom('elapsed', 'certificate_expiry'),
  help: fc.constant('One of the figures.'),
  unit: fc.constantFrom('seconds' as const, 'days' as const, 'count' as const),
  value: fc.oneof(fc.integer({ min: -1000, max: 1e9 }), fc.double({ min: 0, max: 1e6, noNaN: true })),
  where: hostile,
});
const hostileRow: fc.Arbitrary<Row> = fc.record(
  {
    target: hostile,
    timeMs: fc.constant(TIME_MS),
    status: fc.constantFrom('ok' as const, 'warn' as const, 'crit' as const, 'unknown' as const),
    summary: hostile,
    findings: fc.array(fc.record({ where: hostile, check: hostileCheck }), { maxLength: 4 }),
    figures: fc.array(hostileFigure, { maxLength: 3 }),
    failure: fc.record({
      code: fc.constant('E_TARGET'),
      message: hostile,
      hint: hostile,
      exit: fc.constant(64),
    }),
  },
  { requiredKeys: ['target', 'timeMs', 'status', 'summary', 'findings', 'figures'] },
);
const hostileRows = fc.array(hostileRow, { maxLength: 4 });

test.for(['csv', 'nagios', 'prometheus', 'junit', 'sarif', 'github', 'markdown'] as const)(
  '%s holds nothing that a terminal would obey, whatever is in the fields',
  async (format) => {
    await fc.assert(
      fc.asyncProperty(
        hostileRows,
        fc.constantFrom('name' as const, 'file' as const),
        async (rows, targets) => {
          expect(await write(format, rows, { ...ABOUT, targets })).not.toMatch(OBEYED);
        },
      ),
    );
  },
);

describe('csv', () => {
  const read = (text: string) =>
    parseCsv(text, { columns: true, record_delimiter: '\r\n' }) as Record<string, string>[];

  test('gives each target its verdict, then a record a check', async () => {
    const records = read(await write('csv', ROWS));
    expect(records.map(({ target, check, status }) => [target, check, status])).toEqual([
      ['good.example', '', 'ok'],
      ['good.example', 'smtp.starttls.offered', 'ok'],
      ['good.example', 'cert.expiry', 'ok'],
      ['bad.example', '', 'crit'],
      ['bad.example', 'smtp.starttls.offered', 'crit'],
      ['bad.example', 'smtp.banner', 'warn'],
      ['bad.example', 'dns.address', 'unknown'],
      ['not a domain', '', 'unknown'],
    ]);
    expect(records[2]).toMatchObject({
      information: 'yes',
      evidence: '88 days',
      time: '2026-11-24T09:15:06Z',
    });
    expect(records[7]).toMatchObject({ message: "'not a domain' has spaces.", fix: 'Give a domain.' });
  });

  test('is read back whole by another parser, and holds no formula', async () => {
    await fc.assert(
      fc.asyncProperty(hostileRows, async (rows) => {
        const records = read(await write('csv', rows));
        expect(records).toHaveLength(rows.reduce((sum, { findings }) => sum + 1 + findings.length, 0));
        for (const cell of records.flatMap((record) => Object.values(record)))
          expect(cell).not.toMatch(FORMULA);
      }),
    );
  });

  test('the case of a batch keeps its id', async () => {
    const records = read(await write('csv', [{ ...GOOD, id: 'case 7' }]));
    expect(new Set(records.map(({ id }) => id))).toEqual(new Set(['case 7']));
  });

  test('no other separator splits a cell: what is not plain is quoted', async () => {
    const text = await write('csv', [{ ...GOOD, summary: 'a;=1+1', findings: [] }]);
    expect(text).toContain(',"a;=1+1",');
  });
});

describe('nagios', () => {
  test('one target is its verdict with performance data, and a line a finding below', async () => {
    expect(await write('nagios', [GOOD])).toBe(
      "POSTERN MX PROBE OK - Mail to good.example is encrypted. | 'mx certificate_expiry_days'=88 'mx elapsed'=0.25s\n",
    );
    expect(await write('nagios', [BAD])).toBe(
      [
        'POSTERN MX PROBE CRITICAL - Mail to bad.example goes in plaintext.',
        '[CRITICAL] mx.example.org [192.0.2.25]: About smtp.starttls.offered. (smtp.starttls.offered)',
        '[WARNING] mx.example.org [192.0.2.25]: About smtp.banner. (smtp.banner)',
        '[UNKNOWN] mx.example.org [192.0.2.25]: About dns.address. (dns.address)',
        '',
      ].join('\n'),
    );
  });

  test('several targets are counted, and each has its line', async () => {
    const lines = (await write('nagios', ROWS)).split('\n');
    expect(lines[0]).toMatch(/^POSTERN MX PROBE CRITICAL - 3 targets: 1 critical, 1 unknown, 1 ok \| 'good/);
    expect(lines).toContain("[UNKNOWN] not a domain: 'not a domain' has spaces.");
  });

  test('the first line stays below 4 kB and the whole below 8 kB, with at most one bar', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(hostileRow, { maxLength: 40 }), async (rows) => {
        const text = await write('nagios', rows);
        const [first = ''] = text.split('\n');
        expect(Buffer.byteLength(first)).toBeLessThanOrEqual(4096);
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(8192);
        expect(text.split('|').length).toBeLessThanOrEqual(2);
      }),
      { numRuns: 50 },
    );
  });

  test('the performance data is what Monitoring::Plugin reads', async (context) => {
    const rows = [GOOD, ...fc.sample(hostileRow, { numRuns: 20, seed: 1 })].slice(0, 12);
    const first = (await write('nagios', rows)).split('\n')[0] ?? '';
    const figures = first.split(' | ')[1] ?? '';
    const read = readPerfdata(context, figures);
    expect(read).toHaveLength(figures.match(/(?<=^| )'[^']*'=/g)?.length ?? -1);
    expect(read.slice(0, 2)).toEqual([
      ['good.example mx certificate_expiry_days', '88', ''],
      ['good.example mx elapsed', '0.25', 's'],
    ]);
  });
});

describe('prometheus', () => {
  test('has verdict, checks, figures in base units, information and time', async () => {
    const lines = (await write('prometheus', ROWS)).split('\n');
    for (const line of [
      '# TYPE postern_mx_probe_status gauge',
      'postern_mx_probe_status{target="good.example"} 0',
      'postern_mx_probe_status{target="bad.example"} 2',
      'postern_mx_probe_status{target="not a domain"} 3',
      'postern_mx_probe_info{target="good.example",version="0.1.0"} 1',
      `postern_mx_probe_timestamp_seconds{target="good.example"} ${TIME_MS / 1000}`,
      'postern_mx_probe_certificate_expiry_seconds{target="good.example",where="mx"} 7603200',
      'postern_mx_probe_check_status{target="bad.example",where="mx.example.org [192.0.2.25]",check="smtp.banner"} 1',
    ])
      expect(lines).toContain(line);
    expect(lines.join('\n')).not.toContain('check="cert.expiry"');
  });

  test('of two samples with the same labels the worse is kept', async () => {
    const text = await write('prometheus', [BAD, { ...BAD, status: 'unknown' }]);
    expect(text.match(/^postern_mx_probe_status\{.*$/gm)).toEqual([
      'postern_mx_probe_status{target="bad.example"} 2',
    ]);
  });

  test('promtool accepts it, whatever is in the fields', async (context) => {
    const rows = [...ROWS, ...fc.sample(hostileRow, { numRuns: 300, seed: 2 })];
    for (const command of ['mx probe', 'doctor']) {
      const text = await write('prometheus', rows, { ...ABOUT, command });
      expect(promtoolComplaints(context, text)).toBe('');
    }
  });
});

type Case = { suite: string; name: string; className: string; outcome: string | undefined };

/** The cases of a JUnit document, by a parser that refuses whatever is not well-formed XML 1.0. */
function readJunit(text: string): { cases: Case[]; counts: Record<string, string>[] } {
  const parser = new SaxesParser();
  const cases: Case[] = [];
  const counts: Record<string, string>[] = [];
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ name, attributes }) => {
    const last = cases.at(-1);
    if (name === 'testsuite') counts.push(attributes);
    else if (name === 'testcase')
      cases.push({
        suite: counts.at(-1)?.['name'] ?? '',
        name: attributes['name'] ?? '',
        className: attributes['classname'] ?? '',
        outcome: undefined,
      });
    else if (last && (name === 'failure' || name === 'error')) last.outcome = name;
  });
  parser.write(text).close();
  return { cases, counts };
}

describe('junit', () => {
  test('counts what the exit code counts', async () => {
    const counted = async (counts: About['counts']) => {
      const [suite] = readJunit(await write('junit', [BAD], { ...ABOUT, counts })).counts;
      return [suite?.['failures'], suite?.['errors']];
    };
    expect(await counted((status) => (status === 'ok' ? 'ok' : 'crit'))).toEqual(['3', '0']);
    expect(await counted(() => 'ok')).toEqual(['0', '0']);
    expect(await write('junit', [BAD], { ...ABOUT, counts: () => 'ok' })).toContain('critical: ');
  });

  test('a target is a suite, critical a failure, unknown an error, a warning passes', async () => {
    const { cases, counts } = readJunit(await write('junit', ROWS));
    expect(cases.map(({ suite, name, outcome }) => [suite, name, outcome])).toEqual([
      ['good.example', 'smtp.starttls.offered mx.example.org [192.0.2.25]', undefined],
      ['good.example', 'cert.expiry mx.example.org [192.0.2.25]', undefined],
      ['bad.example', 'smtp.starttls.offered mx.example.org [192.0.2.25]', 'failure'],
      ['bad.example', 'smtp.banner mx.example.org [192.0.2.25]', undefined],
      ['bad.example', 'dns.address mx.example.org [192.0.2.25]', 'error'],
      ['not a domain', 'asked', 'error'],
    ]);
    expect(counts.map(({ tests, failures, errors }) => [tests, failures, errors])).toEqual([
      ['2', '0', '0'],
      ['3', '1', '1'],
      ['1', '0', '1'],
    ]);
  });

  test('the case of a batch is named with its id', async () => {
    const { counts } = readJunit(
      await write('junit', [
        { ...GOOD, id: '7' },
        { ...FAILED, id: FAILED.target },
      ]),
    );
    expect(counts.map(({ name }) => name)).toEqual(['7 good.example', 'not a domain']);
  });

  test('is well-formed whatever is in the fields, and counts right', async () => {
    await fc.assert(
      fc.asyncProperty(hostileRows, async (rows) => {
        const { cases, counts } = readJunit(await write('junit', rows));
        expect(counts).toHaveLength(rows.length);
        expect(counts.reduce((sum, { tests }) => sum + Number(tests), 0)).toBe(cases.length);
      }),
    );
  });
});

describe('sarif', () => {
  test('a finding is a result with its rule; what could not be told is open, as the standard has it', async () => {
    const log = JSON.parse(await write('sarif', ROWS));
    const [{ results, tool, invocations }] = log.runs;
    expect(results.map(({ ruleId, kind, level }: Record<string, string>) => [ruleId, kind, level])).toEqual([
      ['smtp.starttls.offered', 'fail', 'error'],
      ['smtp.banner', 'fail', 'warning'],
      ['dns.address', 'open', 'none'],
    ]);
    for (const { ruleId, ruleIndex } of results) expect(tool.driver.rules[ruleIndex].id).toBe(ruleId);
    expect(tool.driver.rules[0].help.text).toMatch(/switch STARTTLS on.*RFC 3207/s);
    expect(invocations[0]).toMatchObject({
      executionSuccessful: false,
      toolExecutionNotifications: [{ descriptor: { id: 'E_TARGET' } }],
    });
  });

  test.for([
    ['mail/müller 1.eml', 'mail/m%C3%BCller%201.eml'],
    ['a:b.eml', 'a%3Ab.eml'],
    ['/var/mail/x y', 'file:///var/mail/x%20y'],
  ] as const)('the file %s is named as %s', async ([target, uri]) => {
    const log = JSON.parse(await write('sarif', [{ ...BAD, target }], { ...ABOUT, targets: 'file' }));
    expect(log.runs[0].results[0].locations[0].physicalLocation.artifactLocation.uri).toBe(uri);
  });

  test('the published schema accepts it, whatever is in the fields', async () => {
    await fc.assert(
      fc.asyncProperty(
        hostileRows,
        fc.constantFrom('name' as const, 'file' as const),
        async (rows, targets) => {
          validateSarif(JSON.parse(await write('sarif', rows, { ...ABOUT, targets })));
          expect(validateSarif.errors).toBeNull();
        },
      ),
    );
    expect(validateSarif({ version: '2.1.0', runs: [{}] })).toBe(false);
  });
});

describe('github', () => {
  test('critical is an error, the rest that is not ok a warning, and each target has its line', async () => {
    const lines = (await write('github', ROWS)).trimEnd().split('\n');
    expect(lines.filter((line) => !line.startsWith('::'))).toHaveLength(3);
    expect(lines.filter((line) => line.startsWith('::')).map((line) => line.split('::')[1])).toEqual([
      'error title=smtp.starttls.offered (crit)',
      'warning title=smtp.banner (warn)',
      'warning title=dns.address (unknown)',
      'warning title=E_TARGET',
    ]);
  });

  test('a file is named, and its name ends neither property nor command', async () => {
    const text = await write('github', [{ ...BAD, target: 'a,b::c%.eml' }], { ...ABOUT, targets: 'file' });
    expect(text.split('\n')[1]).toMatch(/^::error file=a%2Cb%3A%3Ac%25\.eml,title=smtp/);
  });

  test('nobody from outside gives the runner a command', async () => {
    await fc.assert(
      fc.asyncProperty(hostileRows, async (rows) => {
        const commands = (await write('github', rows))
          .split('\n')
          .filter((line) => line.trim().startsWith('::'));
        for (const command of commands) expect(command).toMatch(/^::(error|warning) /);
        expect(commands.join('\n')).not.toContain('##[');
      }),
    );
  });
});

describe('markdown', () => {
  test('is the verdict, a table of what is wrong, and what is to know', async () => {
    const text = await write('markdown', ROWS);
    expect(text).toContain('**✔ ok** good.example: Mail to good.example is encrypted.\n\n- mx.example.org');
    expect(text).toContain('| ✖ critical | smtp.starttls.offered | mx.example.org \\[192.0.2.25\\] |');
  });

  test("GitHub's own parser finds no link, image or tag in it, whatever is in the fields", async (context) => {
    for (const row of fc.sample(hostileRow, { numRuns: 40, seed: 3 }))
      READERS.markdown(context, [{ by: 'rows', text: await write('markdown', [BAD, row]) }]);
  });

  test('each row of the table has its seven cells, and nothing opens a tag or a link', async () => {
    await fc.assert(
      fc.asyncProperty(hostileRows, async (rows) => {
        const text = await write('markdown', rows);
        const cells = text
          .split('\n')
          .filter((line) => line.startsWith('| '))
          .map((line) => line.match(/(?<!\\)\|/g)?.length);
        expect(new Set(cells).size).toBeLessThanOrEqual(1);
        expect(text.replace(/`@+`/g, '')).not.toMatch(/(?<!\\)[<[`]|:\/\/|www\./i);
      }),
    );
  });
});
