import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { needs, output } from './helpers/debian.ts';
import { type DocsLab, startDocsLab } from './helpers/docs-lab.ts';
import { commandIds, loadCommand, root, shell } from './helpers/run.ts';

// The documentation is run: a fenced block in the language `sh` as it stands, in a folder with the files and a
// network with the servers that it speaks of. A comment before the block says what is different about it:
//   <!-- needs: network|root|key|firefox -->  it cannot be run here, so its commands are compared with what there is
//   <!-- exits: 2 -->                 it ends with that exit code
// A block in the language `text` below it is what it prints; a line "…" stands for any number of lines.

const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...globSync('docs/**/*.md', { cwd: root }),
].sort();

type Block = {
  readonly page: string;
  readonly line: number;
  readonly language: string;
  readonly text: string;
  readonly needs: string | undefined;
  readonly exits: number;
  /** What it prints, where that is told. */
  readonly prints: string | undefined;
};

const FENCE = new RegExp(
  [
    String.raw`(?<marks>(?:^ *<!-- (?:needs|exits): [a-z0-9]+ -->\n)*)`,
    String.raw`^(?<indent> *)\x60{3}(?<language>[a-z]*)\n(?<text>.*?)^\k<indent>\x60{3}$`,
    String.raw`(?:\n+^\k<indent>\x60{3}text\n(?<prints>.*?)^\k<indent>\x60{3}$)?`,
  ].join(''),
  'gms',
);

function blocksOf(page: string): Block[] {
  const whole = readFileSync(`${root}${page}`, 'utf8');
  return [...whole.matchAll(FENCE)].map(({ index, groups = {} }) => ({
    page,
    line: whole.slice(0, index).split('\n').length,
    language: groups['language'] ?? '',
    text: groups['text'] ?? '',
    needs: /needs: (\w+)/.exec(groups['marks'] ?? '')?.[1],
    exits: Number(/exits: (\d+)/.exec(groups['marks'] ?? '')?.[1] ?? 0),
    prints: groups['language'] === 'sh' ? groups['prints'] : undefined,
  }));
}

const blocks = pages.flatMap(blocksOf);

/** Words of a command line, quotes taken off; what a shell would do with pipes and the like ends it. */
function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (const [word, double, single] of line.matchAll(/"([^"]*)"|'([^']*)'|[^\s"']+/g)) {
    if (/^(?:[|;&>]|\d>|<$|#)/.test(word)) break;
    words.push(double ?? single ?? word);
  }
  return words;
}

/** The command lines of `postern` in a text, as words behind the name. */
function commandsIn(text: string): string[][] {
  const joined = text.replaceAll(/\\\n\s*/g, ' ');
  return [...joined.matchAll(/(?<![\w.-])postern (?![-—])([a-z].*)$/gm)].map(([, rest = '']) =>
    wordsOf(rest),
  );
}

/** What is wrong with a command line; null when there are such a command and such flags. */
async function faultOf(words: readonly string[]): Promise<string | null> {
  const id = commandIds
    .filter((each) => `${words.join(' ')} `.startsWith(`${each} `))
    .toSorted((a, b) => b.length - a.length)[0];
  if (id === undefined) return `there is no command "${words.slice(0, 3).join(' ')}"`;
  const { flags, baseFlags } = await loadCommand(id);
  const known: Readonly<Record<string, { readonly type: string } | undefined>> = { ...baseFlags, ...flags };
  for (const [index, word] of words.entries()) {
    const [, name = '', inline] = /^--(?:no-)?([a-z0-9-]+)(?:=(.*))?$/s.exec(word) ?? [];
    if (name === '' || name === 'help') continue;
    const flag = known[name] ?? known[`no-${name}`];
    if (flag === undefined) return `"${id}" has no flag --${name}`;
    const value = inline ?? words[index + 1] ?? '';
    if ('options' in flag && !(flag.options as readonly string[]).includes(value))
      return `--${name} takes no "${value}"`;
  }
  return null;
}

async function faultsOf(text: string): Promise<string[]> {
  const faults = await Promise.all(commandsIn(text).map(faultOf));
  return faults.filter((fault) => fault !== null);
}

/** A pattern for what a block prints. */
function patternOf(prints: string): RegExp {
  const lines = prints.trimEnd().split('\n');
  const parts = lines.map((line) =>
    line.trim() === '…'
      ? '(?:.*\\n)*?'
      : `${line.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&').replaceAll('…', '.*')}\\n`,
  );
  return new RegExp(parts.join(''));
}

describe('what is shown is so', () => {
  let lab: DocsLab;
  beforeAll(async () => {
    lab = await startDocsLab();
  });
  afterAll(() => lab.close());

  const runnable = blocks.filter(({ language, needs }) => language === 'sh' && needs === undefined);

  test.for(runnable)('$page, line $line: the commands run', async ({ text, exits, prints }) => {
    const ran = await shell(`cd "$FOLDER" && set -e\n${text}`, { ...lab.env, FOLDER: lab.folder() });
    expect(ran, text).toMatchObject({ exit: exits });
    if (prints !== undefined) expect(ran.stdout).toMatch(patternOf(prints));
  });

  const rules = blocks.filter(({ text }) => text.startsWith('groups:'));

  test.for(rules)(
    '$page, line $line: rules are well-formed, of metrics that there are',
    async ({ text }, context) => {
      const shown = await shell('postern mx probe example.org --format prometheus', lab.env);
      for (const [name] of text.matchAll(/\bpostern_\w+/g)) expect(shown.stdout).toContain(`# TYPE ${name} `);
      needs(context, 'promtool', 'prometheus');
      const file = join(lab.folder(), 'rules.yml');
      writeFileSync(file, text);
      expect(output('promtool', ['check', 'rules', file])).toContain('SUCCESS');
    },
  );

  test('most commands that are shown are run, too', () => {
    expect(runnable.length).toBeGreaterThan(blocks.filter(({ needs }) => needs !== undefined).length);
  });
});

describe('every command that is shown exists', () => {
  test('what looks for them finds what is wrong', async () => {
    expect(await faultsOf('sudo postern mx prob example.org')).toHaveLength(1);
    expect(await faultsOf('postern mx probe example.org --requires x | less')).toHaveLength(1);
    expect(await faultsOf('postern mx probe example.org \\\n  --format xml')).toHaveLength(1);
    expect(await faultsOf("npx postern mx probe 'a b' --no-cache --format=junit")).toEqual([]);
  });

  test.for(blocks.filter(({ text }) => commandsIn(text).length > 0))(
    '$page, line $line',
    async ({ text }) => {
      expect(await faultsOf(text)).toEqual([]);
    },
  );

  test.for(pages)('%s, between the lines', async (page) => {
    const prose = readFileSync(`${root}${page}`, 'utf8').replaceAll(FENCE, '');
    const spans = [...prose.matchAll(/`(postern [^`\n]+)`/g)].map(([, span = '']) => span);
    expect(await faultsOf(spans.join('\n').replaceAll('…', ''))).toEqual([]);
  });
});

/** Pages that are linked to and written by others. */
const ELSEWHERE: ReadonlySet<string> = new Set(['docs/incoming.md']);

test.for(pages)('%s links to what is there', (page) => {
  const links = [...readFileSync(`${root}${page}`, 'utf8').matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)];
  const gone = links
    .map(([, link = '']) => join(dirname(page), link))
    .filter((file) => !ELSEWHERE.has(file) && !existsSync(join(root, file)));
  expect(gone).toEqual([]);
});

test('the table of the named packages names what is installed, and what is to come', () => {
  const readme = readFileSync(`${root}README.md`, 'utf8');
  const manifest: { dependencies: object; devDependencies: object; optionalDependencies: object } =
    JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
  const rows = [
    ...readme.matchAll(
      /^\| (oclif|inquirer|chalk|node-hid|mailauth|tls-check|smtp-connection|vitest) \| (.*) \|$/gm,
    ),
  ];
  expect(rows).toHaveLength(8);
  for (const [, name = '', where = ''] of rows) {
    const installed = {
      ...manifest.dependencies,
      ...manifest.devDependencies,
      ...manifest.optionalDependencies,
    };
    const has = Object.keys(installed).some(
      (each) => each === name || (each === '@oclif/core' && name === 'oclif'),
    );
    expect(has, `${name}: ${where}`).toBe(!where.startsWith('not yet'));
  }
});
