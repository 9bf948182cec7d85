import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { renderMessagePath } from '../../../../src/cli/render/path.ts';
import { widthOf } from '../../../../src/cli/text.ts';
import { readHeader } from '../../../../src/message/headers.ts';
import { describePath } from '../../../../src/received/path.ts';
import { root } from '../../../helpers/run.ts';

const path = describePath(readHeader(readFileSync(`${root}examples/forwarded.eml`)), {
  nowMs: Date.parse('2026-11-25T00:00:00Z'),
});

const text = (columns: number) =>
  renderMessagePath(path, columns)
    .map((line) => line.map((span) => span.text).join(''))
    .join('\n');

test.for([40, 60, 80, 120])('the timeline fits into %i columns', (columns) => {
  const tooWide = text(columns)
    .split('\n')
    .filter((each) => widthOf([{ text: each.trimEnd() }]) > columns);
  // A single word, such as a host name, is never cut.
  expect(tooWide.filter((each) => each.trim().includes(' '))).toEqual([]);
});

test('a wide terminal has the mark, the time, the delay and whose line it is side by side', () => {
  expect(text(100)).toMatch(
    /^ {2}3 {2}✔ encrypted {2}2026-11-24T09:15:06Z {2}\+7 s ## {2}enters your system here$/m,
  );
});

test('a narrow one has time and delay below', () => {
  expect(text(60)).toMatch(
    /^ {2}3 {2}✔ encrypted {2}enters your system here\n {5}2026-11-24T09:15:06Z {2}\+7 s ##$/m,
  );
});
