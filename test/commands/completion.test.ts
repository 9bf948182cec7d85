import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { needs } from '../helpers/debian.ts';
import { commandIds, run } from '../helpers/run.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

const folder = mkdtempSync(join(tmpdir(), 'postern-completion-'));
const scripts = {} as Record<Shell, string>;

beforeAll(async () => {
  for (const shell of SHELLS) {
    scripts[shell] = join(folder, `postern.${shell}`);
    writeFileSync(scripts[shell], (await run('completion', [shell])).stdout);
  }
  writeFileSync(join(folder, 'message.eml'), 'Subject: x\r\n\r\n');
});

/** What each shell is started with, so that it completes and its prompt can be waited for. */
const SETUPS: Readonly<Record<Shell, (script: string) => { file: string; start: string; text: string }>> = {
  bash: (script) => ({
    file: 'bashrc',
    start: `bash --noprofile --rcfile ${folder}/bashrc -i`,
    text: `PS1='READY '\n. ${script}\npostern() { echo "<$*>"; }\ncd ${folder}\n`,
  }),
  zsh: (script) => ({
    file: '.zshrc',
    start: `env ZDOTDIR=${folder} zsh -i`,
    text: `PS1='READY '\nautoload -U compinit; compinit -u -D\n. ${script}\npostern() { print -r -- "<$*>" }\ncd ${folder}\n`,
  }),
  fish: (script) => ({
    file: 'config.fish',
    start: `fish --no-config -i -C 'source ${folder}/config.fish'`,
    text: `function fish_prompt; echo -n 'READY '; end\nsource ${script}\nfunction postern; echo "<$argv>"; end\ncd ${folder}\n`,
  }),
};

/** What postern is called with when a line with tabs in it is typed at a real shell in a terminal. */
function typed(shell: Shell, keys: string): Promise<string> {
  const { file, start, text } = SETUPS[shell](scripts[shell]);
  writeFileSync(join(folder, file), text);
  return new Promise((resolve, reject) => {
    const child = spawn('script', ['-qec', start, '/dev/null'], {
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: folder,
        TERM: 'xterm',
        LANG: 'C.UTF-8',
        INPUTRC: '/dev/null',
      },
    });
    let seen = '';
    let sent = false;
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      seen += chunk;
      const called = /^<([^>\n]*)>\r?$/m.exec(seen);
      if (called) {
        child.kill();
        resolve(called[1] ?? '');
      } else if (!sent && seen.includes('READY ')) {
        sent = true;
        child.stdin.write(`${keys}\r`);
      }
    });
    child.on('error', reject);
    child.on('close', () => reject(new Error(`${shell} ended: ${seen}`)));
  });
}

describe.for(SHELLS)('%s', (shell) => {
  test('finds no error in the script', (context) => {
    needs(context, shell, shell);
    const ran = spawnSync(shell, ['-n', scripts[shell]], { encoding: 'utf8' });
    expect(ran.stderr).toBe('');
    expect(ran.status).toBe(0);
  });

  test.for([
    ['a command', 'postern mx pr\t', 'mx probe'],
    ['a topic and its command', 'postern mes\tpat\t', 'message path'],
    ['a flag', 'postern mx probe --trans\t', 'mx probe --transcript'],
    ['a negated flag', 'postern message path --no-ord\t', 'message path --no-ordered'],
    ['a choice of a flag', 'postern mx probe --format prom\t', 'mx probe --format prometheus'],
    ['a choice after an equals sign', 'postern mx probe --format=prom\t', 'mx probe --format=prometheus'],
    ['a file as an argument', 'postern message path mess\t', 'message path message.eml'],
    ['a file as a value', 'postern send --file mess\t', 'send --file message.eml'],
    ['a page of help', 'postern help exit\t', 'help exit-codes'],
    ['the id of a check', 'postern explain smtp.auth\t', 'explain smtp.auth.plaintext'],
    ['a shell', 'postern completion fi\t', 'completion fish'],
  ] as const)('completes %s', async ([, keys, expected], context) => {
    needs(context, shell, shell);
    needs(context, 'script', 'bsdutils');
    expect((await typed(shell, keys)).trim()).toBe(expected);
  });
});

/** What fish offers for each line, all of them asked of one shell: starting it is what takes the time. */
function offeredByFish(lines: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const asks = lines.map((line) => `echo '= ${line}'; complete -C '${line}'`).join('\n');
  const { stdout } = spawnSync('fish', ['--no-config', '-c', `source ${scripts.fish}\n${asks}`], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  const blocks = stdout.split(/^= /m).slice(1);
  return new Map(
    blocks.map((block) => {
      const [line = '', ...offers] = block.replace(/\n$/, '').split('\n');
      return [line, offers.map((offer) => offer.split('\t')[0] ?? '')];
    }),
  );
}

test('every command and flag is offered', (context) => {
  needs(context, 'fish', 'fish');
  const asked = commandIds.map((id) => ({ id, words: id.split(' ') }));
  const offered = offeredByFish([
    ...new Set([
      'postern ',
      ...asked.flatMap(({ id, words }) => [
        ...words.slice(1).map((_, at) => `postern ${words.slice(0, at + 1).join(' ')} `),
        `postern ${id} --`,
      ]),
    ]),
  ]);
  for (const { id, words } of asked) {
    for (const [at, word] of words.entries())
      expect(offered.get(['postern', ...words.slice(0, at), ''].join(' '))).toContain(word);
    expect(offered.get(`postern ${id} --`)).toEqual(
      expect.arrayContaining(['--json', '--help', '--no-input']),
    );
  }
});

test('a shell that is none is refused', async () => {
  expect(await run('completion', ['tcsh'])).toMatchObject({ exit: 64, stdout: '' });
});
