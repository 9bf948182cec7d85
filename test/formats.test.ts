import { expect, test } from 'vitest';
import { globalFlags } from '../src/cli/flags.ts';
import { OBEYED, READERS, type Written } from './helpers/readers.ts';
import { commandIds, formatsOf, run } from './helpers/run.ts';
import { SAMPLES } from './helpers/samples.ts';

// Each format of each command that writes it, as the commands say themselves, in front of a reader that is not ours.

test.for(Object.keys(READERS) as (keyof typeof READERS)[])(
  '%s of every command is taken by its reader, and ends with the exit code of the text',
  async (format, context) => {
    const written: Written[] = [];
    for (const id of commandIds) {
      if (!(await formatsOf(id)).includes(format)) continue;
      const [argv, exit] = SAMPLES[id] ?? [[], -1];
      const ran = await run(id, [...argv, '--format', format]);
      expect(ran.exit, id).toBe(exit);
      expect(ran.stdout, id).not.toMatch(OBEYED);
      written.push({ by: id, text: ran.stdout });
    }
    expect(written.length).toBeGreaterThan(0);
    READERS[format](context, written);
  },
);

test('every format that a command offers has a reader', async () => {
  const offered = await Promise.all(commandIds.map(formatsOf));
  expect(new Set([...offered.flat(), ...(globalFlags.format.options ?? [])])).toEqual(
    new Set(Object.keys(READERS)),
  );
});

/** The sentence of a line, without its mark and the word for its state. */
const sentenceOf = (line: string) => line.trim().replace(/^[✔!✖?=~] +[\w-]+ +/, '');

test.for([
  ...commandIds
    .filter((id) => id !== 'completion' && id !== 'demo')
    .map((id) => [id, SAMPLES[id]?.[0] ?? []]),
  ['throttle status', ['--service', 'unix:/nonexistent/x']],
] as [string, string[]][])('%s says nothing twice', async ([id, argv]) => {
  const { stdout } = await run(id, argv);
  const sentences = stdout
    .split('\n')
    .filter((line) => line.length > 40 && line.endsWith('.'))
    .map(sentenceOf);
  expect(sentences).toEqual([...new Set(sentences)]);
});
