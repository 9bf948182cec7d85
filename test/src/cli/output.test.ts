import { expect, test } from 'vitest';
import { collecting, type Sink } from '../../../src/cli/output.ts';

/** A sink that keeps what it is given. */
function keeping() {
  const chunks: (string | Uint8Array)[] = [];
  let finished = false;
  const sink: Sink = {
    write: (chunk) => void chunks.push(chunk),
    finish: () => {
      finished = true;
    },
    discard: () => undefined,
  };
  const text = () => Buffer.concat(chunks.map((chunk) => Buffer.from(chunk))).toString();
  return { sink, chunks, text, isFinished: () => finished };
}

test('rows are written in few pieces, in their order, whatever letters they have', () => {
  const kept = keeping();
  const sink = collecting(kept.sink);
  const rows = Array.from({ length: 5000 }, (_, index) => `${index} ${'aé…🔒'.repeat(index % 40)}\n`);
  for (const row of rows) sink.write(row);
  sink.finish();
  expect(kept.text()).toBe(rows.join(''));
  expect(kept.chunks.length).toBeLessThan(40);
  expect(kept.isFinished()).toBe(true);
});

test('a row that is larger than what is collected comes after those before it', () => {
  const kept = keeping();
  const sink = collecting(kept.sink);
  const rows = ['first\n', `${'…'.repeat(100_000)}\n`, 'last\n'];
  for (const row of rows) sink.write(row);
  sink.finish();
  expect(kept.text()).toBe(rows.join(''));
});

test('what was written stays as it is while more is collected', () => {
  const kept = keeping();
  const sink = collecting(kept.sink);
  for (const letter of ['a', 'b', 'c']) sink.write(letter.repeat(21_000));
  const early = kept.text();
  for (const letter of ['x', 'y', 'z']) sink.write(letter.repeat(21_000));
  expect(kept.text().startsWith(early)).toBe(true);
});

test('discarded rows are never written', () => {
  const kept = keeping();
  const sink = collecting(kept.sink);
  sink.write('half a result');
  sink.discard();
  sink.finish();
  expect(kept.text()).toBe('');
});
