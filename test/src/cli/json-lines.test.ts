import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { locateJson, pathKey } from '../../../src/cli/json-lines.ts';

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('a JSON text', () => {
  test('has each member on its line', () => {
    const { lines, fault } = locateJson('{\n  "a": 1,\n  "b": {\n\n    "c\\u0064": [\n{"e": 2}]}\n}');
    expect(fault).toBeNull();
    expect([...lines]).toEqual([
      [pathKey(['a']), 2],
      [pathKey(['b']), 3],
      [pathKey(['b', 'cd']), 5],
      [pathKey(['b', 'cd', '0', 'e']), 6],
    ]);
  });

  test('tells names that are given twice, where the second is', () => {
    expect(locateJson('{"a": 1,\n"b": 2,\n"a": 3}').twice).toEqual([{ path: ['a'], line: 3 }]);
  });

  test.for([
    ['{"a": }', 1, 7, 'a value is expected'],
    ['{"a": 1,\n}', 2, 1, 'a name in double quotes is expected'],
    ['{\n  a: 1}', 2, 3, 'a name in double quotes is expected'],
    ['{"a" 1}', 1, 6, 'a colon is expected'],
    ['{"a": 1\n"b": 2}', 2, 1, 'a comma or } is expected'],
    ['[1, 2', 1, 6, 'a comma or ] is expected'],
    ['{"a": 01}', 1, 7, 'a value is expected'],
    ['{"a": "x\ny"}', 1, 7, 'a value is expected'],
    ['{} {}', 1, 4, 'something follows the end'],
    ['', 1, 1, 'a value is expected'],
    [`${'['.repeat(100)}`, 1, 66, 'it is nested too deeply'],
  ] as const)('%j has its fault in line %i, column %i', ([text, line, column, reason]) => {
    expect(locateJson(text).fault).toEqual({ line, column, reason });
  });

  test('is one exactly when the engine can read it', () => {
    const broken = fc
      .tuple(
        fc.json({ maxDepth: 4 }),
        fc.nat(),
        fc.constantFrom('', ',', '"', '}', ']', ':', '0', '\\', '\n', 'x'),
      )
      .map(([text, at, sign]) => {
        const place = at % (text.length + 1);
        return text.slice(0, place) + sign + text.slice(place + (at % 2));
      });
    fc.assert(
      fc.property(fc.oneof(fc.json({ maxDepth: 4 }), broken, fc.string()), (text) => {
        expect(locateJson(text).fault === null).toBe(isJson(text));
      }),
      { numRuns: 2000 },
    );
  });
});
