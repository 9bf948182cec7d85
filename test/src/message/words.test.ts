import { expect, test } from 'vitest';
import { decodeWords } from '../../../src/message/words.ts';

test.for([
  ['plain text', 'plain text'],
  ['=?utf-8?q?B=C3=A4nk_24?=', 'Bänk 24'],
  ['=?UTF-8?B?QsOkbms=?=', 'Bänk'],
  ['=?utf-8*de?q?B=C3=A4nk?=', 'Bänk'],
  ['=?iso-8859-1?q?B=E4nk?=', 'Bänk'],
  ['=?windows-1251?b?wuDt6g==?=', 'Ванк'],
  ['=?utf-8?b?QsM=?= =?utf-8?b?pG5r?=', 'Bänk'],
  ['=?utf-8?q?a?= =?iso-8859-1?q?=E4?=', 'aä'],
  ['=?utf-8?q?a?= b =?utf-8?q?c?=', 'a b c'],
  ['"=?utf-8?q?a?="', '"a"'],
  ['=?utf-8?q?a b?=', 'a b'],
  ['=?no-such-charset?q?a?=', '=?no-such-charset?q?a?='],
  ['=?utf-8?x?a?=', '=?utf-8?x?a?='],
  ['=?utf-8?q?', '=?utf-8?q?'],
  ['=?utf-8?q?=C3?=', '\ufffd'],
  ['=?utf-8?q?=ZZ?=', '=ZZ'],
] as const)('%j is shown as %j', ([text, shown]) => {
  expect(decodeWords(text)).toBe(shown);
});
