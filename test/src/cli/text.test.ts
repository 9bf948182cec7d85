import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clean, safeJson } from '../../../src/cli/clean.ts';
import { painter, wantsAscii, wantsColour } from '../../../src/cli/colour.ts';
import {
  crit,
  fittedTable,
  line,
  mark,
  ok,
  strong,
  table,
  tree,
  widthOf,
  wrap,
} from '../../../src/cli/text.ts';

const plain = painter(false, false);

describe('a string from outside', () => {
  test.for([
    ['an escape sequence', '\x1b[31mred\x1b[0m', '\\x1b[31mred\\x1b[0m'],
    ['a link (OSC 8)', '\x1b]8;;http://evil.test\x07here', '\\x1b]8;;http://evil.test\\x07here'],
    ['a C1 control', 'a\x9b2Jb', 'a\\x9b2Jb'],
    ['line ends', 'a\r\nb', 'a\\r\\nb'],
    ['a bidi override', 'user\u202egpj.exe', 'user\\u202egpj.exe'],
    ['zero width', 'pay\u200bpal', 'pay\\u200bpal'],
    ['tag characters', 'a\u{e0041}b', 'a\\u{e0041}b'],
    ['a lone surrogate', 'a\ud800b', 'a\\ud800b'],
    ['names in other scripts', 'Bücher 株式会社 مثال', 'Bücher 株式会社 مثال'],
  ] as const)('with %s is made harmless', ([, foreign, shown]) => {
    expect(clean(foreign)).toBe(shown);
  });

  test('stays the same in JSON, which holds none of it as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (foreign) => {
        const text = safeJson({ [foreign]: [foreign] }, 2);
        expect(JSON.parse(text)).toEqual({ [foreign]: [foreign] });
        expect(text.replaceAll('\n', '')).toBe(clean(text.replaceAll('\n', '')));
      }),
    );
  });

  test('cannot bring a control character into a line, wherever it stands', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (foreign) => {
        const lines = [
          line`a ${foreign} b ${ok(foreign)}`,
          ...table([[foreign, crit(foreign)]]),
          ...tree([{ label: foreign }]),
        ];
        for (const each of lines)
          expect(plain(each)).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/);
      }),
    );
  });
});

describe('lines', () => {
  test('columns are aligned, whatever the width of the characters', () => {
    const rows = table([
      ['ascii', 'x'],
      ['株式', 'y'],
      ['e\u0301', 'z'],
    ]);
    expect(rows.map(plain)).toEqual(['ascii  x', '株式   y', 'e\u0301      z']);
  });

  test('the last column is not padded', () => {
    expect(
      table([
        ['a', 'long'],
        ['b', 'c'],
      ]).map(plain),
    ).toEqual(['a  long', 'b  c']);
  });

  test('trees are drawn', () => {
    const lines = tree([{ label: 'a', children: [{ label: 'b' }, { label: 'c' }] }, { label: 'd' }]);
    expect(lines.map(plain)).toEqual(['├─ a', '│  ├─ b', '│  └─ c', '└─ d']);
  });

  test('are broken at blanks and keep their style; a long word stays whole', () => {
    const lines = wrap(line`one ${strong('two three')} ${'x'.repeat(30)} four`, 12, 2);
    expect(lines.map(plain).map((text) => text.trimEnd())).toEqual([
      'one two',
      '  three',
      `  ${'x'.repeat(30)}`,
      '  four',
    ]);
    expect(
      lines
        .flat()
        .filter(({ style }) => style === 'strong')
        .map(({ text }) => text.trim()),
    ).toEqual(['two', 'three']);
  });

  test('any text breaks into lines that hold all of it and fit, but for words that do not', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-z]{1,15}$/), { minLength: 1 }), (words) => {
        const lines = wrap(line`${words.join(' ')}`, 20, 2);
        expect(lines.flatMap((each) => plain(each).trim().split(' '))).toEqual(words);
        for (const each of lines) expect(plain(each)).toBe(plain(each).trimEnd());
        for (const each of lines) expect(widthOf(each)).toBeLessThanOrEqual(20);
      }),
    );
  });

  test('are not broken between styles where there is no blank', () => {
    const lines = wrap(line`see ${strong('mx.example.org')}: gone`, 16);
    expect(lines.map(plain)).toEqual(['see', 'mx.example.org:', 'gone']);
  });

  test('of a table go on below their last column, of a tree below their label', () => {
    expect(
      fittedTable(
        [
          ['a', 'one two'],
          ['bb', 'three'],
        ],
        8,
        2,
      ).map(plain),
    ).toEqual(['  a   one', '      two', '  bb  three']);
    const lines = tree([{ label: 'one two', children: [{ label: 'b' }] }], 8);
    expect(lines.map(plain)).toEqual(['└─ one', '   │ two', '   └─ b']);
  });

  test('a mark has a word beside its sign, and plain signs for old consoles', () => {
    expect(plain([mark('crit')])).toBe('✖ critical');
    expect(painter(false, true)([mark('crit')])).toBe('x critical');
  });

  test('colour comes from the paint alone', () => {
    expect(painter(true, false)([ok('fine')])).toBe('\x1b[32mfine\x1b[39m');
    expect(plain([ok('fine')])).toBe('fine');
  });
});

test.for([
  ['a terminal', 'auto', {}, true, true],
  ['a pipe', 'auto', {}, false, false],
  ['NO_COLOR', 'auto', { NO_COLOR: '1' }, true, false],
  ['an empty NO_COLOR', 'auto', { NO_COLOR: '' }, true, true],
  ['NO_COLOR beside FORCE_COLOR', 'auto', { NO_COLOR: '1', FORCE_COLOR: '1' }, true, false],
  ['FORCE_COLOR in a pipe', 'auto', { FORCE_COLOR: '1' }, false, true],
  ['FORCE_COLOR=0', 'auto', { FORCE_COLOR: '0' }, true, false],
  ['CLICOLOR=0', 'auto', { CLICOLOR: '0' }, true, false],
  ['CLICOLOR_FORCE in a pipe', 'auto', { CLICOLOR_FORCE: '1' }, false, true],
  ['TERM=dumb', 'auto', { TERM: 'dumb' }, true, false],
  ['--color always in a pipe', 'always', { NO_COLOR: '1' }, false, true],
  ['--color never', 'never', { FORCE_COLOR: '1' }, true, false],
] as const)('colour: %s', ([, choice, env, terminal, expected]) => {
  expect(wantsColour(choice, env, terminal)).toBe(expected);
});

test.for([
  [{ LANG: 'de_DE.UTF-8' }, false],
  [{ LANG: 'C' }, true],
  [{ LC_ALL: 'POSIX', LANG: 'en_US.UTF-8' }, true],
  [{ LANG: 'en_US.ISO-8859-1' }, true],
  [{}, false],
  [{ TERM: 'linux', LANG: 'en_US.UTF-8' }, true],
] as const)('the locale %o decides on plain signs: %s', ([env, expected]) => {
  expect(wantsAscii(env)).toBe(expected);
});
