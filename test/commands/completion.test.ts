import { execFile, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { STORED } from '../../src/cli/completion/spec.ts';
import { databaseOf, masterKeyOf, openOrCreateStore } from '../../src/keys/open.ts';
import { openLogins } from '../../src/logins/open.ts';
import { newSite } from '../../src/throttle/site.ts';
import { openAdministration } from '../../src/validation/clients.ts';
import { needs } from '../helpers/debian.ts';
import { commandIds, root, run } from '../helpers/run.ts';
import { startThrottleLab } from '../helpers/throttle-lab.ts';

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

/** A home where there is something to name, a service, and postern as it is installed. */
const throttle = await startThrottleLab();
afterAll(() => throttle.close());
const state = join(folder, '.local/state');
const environment = {
  PATH: `${folder}/bin:${process.env['PATH'] ?? ''}`,
  HOME: folder,
  TERM: 'xterm',
  LANG: 'C.UTF-8',
  INPUTRC: '/dev/null',
  POSTERN_SERVICE: `unix:${throttle.socket.path}`,
  XDG_STATE_HOME: state,
  XDG_CONFIG_HOME: `${folder}/.config`,
};

/** A name that a shell would run, had it been offered. */
const RUNS = `$(touch${folder}/ran)`;

beforeAll(async () => {
  mkdirSync(`${folder}/bin`);
  writeFileSync(`${folder}/bin/postern`, `#!/bin/sh\nexec '${process.execPath}' '${root}bin/run.js' "$@"\n`, {
    mode: 0o755,
  });
  throttle.daemon.warden.saveSite({ ...newSite(1, 'www.example.org'), note: 'the shop' }, '', '');
  const place = { folder: join(state, 'postern') };
  (await openOrCreateStore(place)).store.close();
  const logins = await openLogins(place);
  const login = { kind: 'otp', label: 'desk', services: [], expiresMs: null, password: null } as const;
  for (const [account, publicId] of [
    ['ann@example.org', 'cccccccccccb'],
    [RUNS, 'cccccccccccd'],
  ] as const)
    await logins?.add(
      { ...login, account },
      { publicId, validator: { kind: 'local' }, counters: { useCounter: -1, sessionUse: -1 } },
      Date.now(),
    );
  await logins?.close();
  const office = await openAdministration(databaseOf(place), masterKeyOf(place));
  const client = { id: 17, label: 'mail', apiKey: null, mustSign: false, publicIds: [], networks: [] };
  office.addClient(client, { actor: 'test', nowMs: Date.now() }, () => undefined);
  office.close();
  const mediator = ['--folder', join(state, 'postern/mediator'), '--actor', 'Ann'];
  await run('mediator init', ['mediator.example', '--name', 'M', ...mediator]);
  await run('mediator add', ['example-bank', 'bank.example', '--name', 'Bank', ...mediator]);
  const decisions = { overrides: { block: ['partner.example'] } };
  mkdirSync(`${folder}/.config/postern`, { recursive: true });
  writeFileSync(`${folder}/.config/postern/trust.json`, JSON.stringify(decisions));
  mkdirSync(`${folder}/.mozilla/firefox/p1`, { recursive: true });
  writeFileSync(
    `${folder}/.mozilla/firefox/profiles.ini`,
    '[Profile0]\nName=working\nIsRelative=1\nPath=p1\n',
  );
});

/** What is typed, and what it becomes, with names that only this machine knows. */
const STORED_LINES = [
  ['postern login list an', 'login list ann@example.org'],
  ['postern login verify ann@ex', 'login verify ann@example.org'],
  ['postern throttle block 192.0.2.1 --site ww', 'throttle block 192.0.2.1 --site www.example.org'],
  ['postern throttle explain --site=ww', 'throttle explain --site=www.example.org'],
  ['postern throttle policy set ww', 'throttle policy set www.example.org'],
  ['postern throttle policy set www.example.org 500', 'throttle policy set www.example.org 500/20M'],
  ['postern validation client disable 1', 'validation client disable 17'],
  ['postern mediator vet exa', 'mediator vet example-bank'],
  ['postern trust show par', 'trust show partner.example'],
  ['postern browser diagnose wor', 'browser diagnose working'],
] as const;

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
      env: environment,
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

describe.for(['bash', 'zsh'] as const)('%s asks for names', (shell) => {
  test.for(STORED_LINES)('%s', async ([keys, expected], context) => {
    needs(context, shell, shell);
    needs(context, 'script', 'bsdutils');
    expect((await typed(shell, `${keys}\t`)).trim()).toBe(expected);
  });
});

test('fish asks for names', async (context) => {
  needs(context, 'fish', 'fish');
  const offered = await offeredByFish(STORED_LINES.map(([keys]) => keys));
  for (const [keys, expected] of STORED_LINES)
    expect(offered.get(keys)).toContain(expected.split(' ').at(-1));
});

test('a name that a shell would run is never offered, and where there is nothing, nothing is said', async () => {
  const { stdout } = spawnSync(`${folder}/bin/postern`, ['completion', '--values', 'account', '--json'], {
    env: environment,
    encoding: 'utf8',
  });
  expect(JSON.parse(stdout).words).toEqual([{ word: 'ann@example.org', about: 'desk' }]);
  for (const kind of STORED) {
    const nowhere = {
      ...environment,
      HOME: mkdtempSync(join(tmpdir(), 'postern-empty-')),
      XDG_STATE_HOME: '/nonexistent',
    };
    const ran = spawnSync(`${folder}/bin/postern`, ['completion', '--values', kind], {
      env: { ...nowhere, XDG_CONFIG_HOME: '/nonexistent', POSTERN_SERVICE: 'unix:/nonexistent' },
      encoding: 'utf8',
    });
    expect(ran).toMatchObject({ status: 0, stdout: '', stderr: '' });
  }
});

/** What fish offers for each line, all of them asked of one shell: starting it is what takes the time. */
async function offeredByFish(lines: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
  const asks = lines.map((line) => `echo '= ${line}'; complete -C '${line}'`).join('\n');
  const { stdout } = await promisify(execFile)(
    'fish',
    ['--no-config', '-c', `source ${scripts.fish}\n${asks}`],
    { env: environment, maxBuffer: 1 << 26 },
  );
  const blocks = stdout.split(/^= /m).slice(1);
  return new Map(
    blocks.map((block) => {
      const [line = '', ...offers] = block.replace(/\n$/, '').split('\n');
      return [line, offers.map((offer) => offer.split('\t')[0] ?? '')];
    }),
  );
}

test('every command and flag is offered', async (context) => {
  needs(context, 'fish', 'fish');
  const asked = commandIds.map((id) => ({ id, words: id.split(' ') }));
  const offered = await offeredByFish([
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
