import { copyFileSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Parser } from '@oclif/core';
import { describe, expect, test } from 'vitest';
import { commandIds, loadCommand, root, shell } from '../helpers/run.ts';

/** Recipes are run where they need no network, and parsed as the program would where they do. */

type Block = { readonly language: string; readonly mark: string; readonly text: string };

const page = readFileSync(`${root}docs/incoming.md`, 'utf8');
const blocks: readonly Block[] = [...page.matchAll(/^```(\w+) ?([^\n]*)\n([\s\S]*?)^```$/gm)].map(
  ([, language = '', mark = '', text = '']) => ({ language, mark, text }),
);

/** Command lines of `postern` in any kind of text, up to where a shell would end them. */
function callsIn(text: string): string[][] {
  return [...text.matchAll(/(?:^|[\s(])postern ([^\n|;&)>]*)/g)].map(([, rest = '']) =>
    rest.replace(/ 2$/, '').trim().split(/\s+/),
  );
}

/** The command of a line and the arguments that remain. */
function commandOf(words: readonly string[]): { id: string; argv: string[] } {
  const id = commandIds
    .toSorted((a, b) => b.length - a.length)
    .find((known) => `${words.join(' ')} `.startsWith(`${known} `));
  if (id === undefined) throw new Error(`no command in: ${words.join(' ')}`);
  return { id, argv: words.slice(id.split(' ').length) };
}

test('every block says whether it needs a network or how it ends', () => {
  expect(blocks.length).toBeGreaterThan(5);
  for (const { mark } of blocks) expect(mark).toMatch(/^(needs: network|exit: \d)$/);
});

describe('what needs a network is a command that exists, with flags that it has', () => {
  const calls = blocks.filter(({ mark }) => mark === 'needs: network').flatMap(({ text }) => callsIn(text));
  test.for(calls.map((words) => [words.join(' '), words] as const))('postern %s', async ([, words]) => {
    const { id, argv } = commandOf(words);
    const command = await loadCommand(id);
    const { flags, argv: rest } = await Parser.parse(argv, {
      args: command.args,
      flags: { ...command.baseFlags, ...command.flags },
      strict: command.strict,
    });
    expect(Object.keys(flags)).not.toHaveLength(0);
    expect(rest.filter((word) => String(word).startsWith('-'))).toEqual([]);
  });
});

describe('what needs none does what the page says', () => {
  const runnable = blocks.filter(({ mark }) => mark.startsWith('exit: '));
  test.for(runnable)('$text', async ({ mark, text }) => {
    const folder = mkdtempSync(join(tmpdir(), 'postern-recipe-'));
    const program = join(folder, 'postern');
    writeFileSync(program, `#!/bin/sh\nexec ${process.execPath} ${root}bin/run.js "$@"\n`, { mode: 0o755 });
    copyFileSync(`${root}test/fixtures/mx/before.json`, join(folder, 'yesterday.json'));
    copyFileSync(`${root}test/fixtures/mx/after.json`, join(folder, 'today.json'));
    const ran = await shell(`cd ${folder}\n${text}`, { PATH: `${folder}:${process.env['PATH'] ?? ''}` });
    expect(ran.stderr).not.toMatch(/E_|error/i);
    expect(`exit: ${ran.exit}`).toBe(mark);
    expect(ran.stdout).not.toBe('');
  });
});
