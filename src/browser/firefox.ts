import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, readFileSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readIfThere, replaceFile } from '../registry/files.ts';
import { readBounded } from './files.ts';
import { connectMarionette, firefoxFailed, type Marionette, within } from './marionette.ts';
import type { Surroundings } from './places.ts';
import { parseIni } from './profiles.ts';

/** Largest file of settings that is taken. */
const MAX_PREFERENCES_BYTES = 32_000_000;

/** How a Firefox is started. */
export type Launch = {
  readonly binary: string;
  readonly folder: string;
  readonly env: Surroundings['env'];
  readonly platform: string;
  readonly signal?: AbortSignal | undefined;
  /** Longest wait for the start, and for each answer. */
  readonly timeoutMs: number;
};

/** A Firefox without a window, under our control. */
export type Firefox = {
  /** Run a script with the rights of Firefox itself; its `return` may be a promise. */
  readonly chrome: (script: string, ...args: readonly unknown[]) => Promise<unknown>;
  /** Load a page, and run a script in it; its `return` may be a promise. */
  readonly page: (url: string, script: string) => Promise<unknown>;
  /** End it as its menu would, and wait until it has let go of the profile. */
  readonly quit: () => Promise<void>;
};

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Folder of the Firefox that used the profile last. */
function lastFolder(profile: string): string | undefined {
  const content = readBounded(join(profile, 'compatibility.ini'), 100_000);
  if (content.kind !== 'read') return undefined;
  const [section] = parseIni(content.bytes.toString('utf8'));
  return section?.values.get('LastPlatformDir');
}

const NAMES = ['firefox-esr', 'firefox', 'firefox.exe'];

/**
 * The Firefox that a profile belongs to: the one that used it last, since an older one would refuse the profile and
 * a newer one change it; for a profile that none has used, the one in the path.
 */
export function findFirefox(profile: string, { env, platform }: Surroundings): string | undefined {
  const last = lastFolder(profile);
  const usual = platform === 'darwin' ? ['/Applications/Firefox.app/Contents/MacOS'] : [];
  const path = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const folders = last === undefined ? [...path, ...usual] : [last];
  return folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find(isProgram);
}

/**
 * Firefox ends when we do, even by kill -9: the shell between holds a pipe of ours, and ends Firefox when the pipe
 * does.
 */
const LEASH =
  'exec 3<&0; "$@" 3<&- </dev/null & child=$!; { cat <&3 >/dev/null; kill "$child"; } & watch=$!; wait "$child"; code=$?; kill "$watch"; exit $code';

/**
 * Settings of the remote control: any free port, and none of the hundred settings for tests that it would otherwise
 * leave in the profile (no updates, no saved passwords). Where it is off, these two do nothing.
 */
const REMOTE = { 'marionette.port': 0, 'remote.prefs.recommended': false };

/** Firefox reads the last value of a setting; ours are gone from the file when it ends, since we take them back. */
function prepare({ folder }: Launch): void {
  const file = join(folder, 'prefs.js');
  const before = readIfThere(file, MAX_PREFERENCES_BYTES)?.toString('utf8') ?? '';
  const lines = Object.entries(REMOTE).map(([name, value]) => `user_pref("${name}", ${value});\n`);
  replaceFile(file, `${before}${before === '' || before.endsWith('\n') ? '' : '\n'}${lines.join('')}`);
}

function launch({ binary, folder, env, platform }: Launch): ChildProcess {
  const args = [
    '--headless',
    '--no-remote',
    '--marionette',
    '-remote-allow-system-access',
    '--profile',
    folder,
  ];
  const own = {
    ...env,
    MOZ_HEADLESS: '1',
    MOZ_CRASHREPORTER_DISABLE: '1',
  };
  const options = {
    env: own as NodeJS.ProcessEnv,
    stdio: ['pipe', 'ignore', 'ignore'] as ['pipe', 'ignore', 'ignore'],
  };
  if (platform === 'win32') return spawn(binary, args, options);
  return spawn('/bin/sh', ['-c', LEASH, 'sh', binary, ...args], options);
}

function portIn(file: string): number | undefined {
  try {
    const port = Number(readFileSync(file, 'utf8'));
    return Number.isInteger(port) && port > 0 ? port : undefined;
  } catch {
    return undefined;
  }
}

/** The port that Firefox writes into the profile once its remote control listens. */
async function portOf(child: ChildProcess, file: string, { timeoutMs, signal }: Launch): Promise<number> {
  const until = performance.now() + timeoutMs;
  while (performance.now() < until) {
    signal?.throwIfAborted();
    if (child.exitCode !== null || child.signalCode !== null)
      throw firefoxFailed('Firefox ended before it could be asked anything.');
    const port = portIn(file);
    if (port !== undefined) return port;
    await sleep(50);
  }
  throw firefoxFailed(`Firefox did not start within ${timeoutMs / 1000} s.`);
}

/** Takes our settings back. */
const FORGET = `for (const name of ${JSON.stringify(Object.keys(REMOTE))}) Services.prefs.clearUserPref(name);`;

/** Start a conversation; from then on the remote control takes nobody else. */
async function converse(port: number, timeoutMs: number): Promise<Marionette> {
  const remote = await connectMarionette(port, timeoutMs);
  await remote.send('WebDriver:NewSession', {
    capabilities: { alwaysMatch: { unhandledPromptBehavior: 'dismiss' } },
  });
  await remote.send('Marionette:AcceptConnections', { value: false });
  await remote.send('WebDriver:SetTimeouts', { script: timeoutMs, pageLoad: timeoutMs });
  await remote.send('Marionette:SetContext', { value: 'chrome' });
  await remote.send('WebDriver:ExecuteScript', {
    script: FORGET,
    args: [],
    newSandbox: true,
    sandbox: 'system',
  });
  return remote;
}

/**
 * Start a Firefox without a window on a profile that nobody uses.
 *
 * @throws {AppError} E_FIREFOX, exit 69, when it does not start or cannot be spoken to
 */
export async function startFirefox(how: Launch): Promise<Firefox> {
  const file = join(how.folder, 'MarionetteActivePort');
  rmSync(file, { force: true });
  prepare(how);
  const child = launch(how);
  const ended = once(child, 'exit').catch(() => undefined);
  const stop = async () => {
    child.stdin?.destroy();
    await within(ended, how.timeoutMs).catch(() => child.kill('SIGKILL'));
  };
  try {
    const remote = await converse(await portOf(child, file, how), how.timeoutMs);
    return control(remote, ended, stop, how.timeoutMs);
  } catch (error) {
    await stop();
    throw error;
  }
}

function control(
  remote: Marionette,
  ended: Promise<unknown>,
  stop: () => Promise<void>,
  timeoutMs: number,
): Firefox {
  const given = (answer: unknown) => (answer as { readonly value?: unknown }).value;
  return {
    page: async (url, script) => {
      await remote.send('Marionette:SetContext', { value: 'content' });
      await remote.send('WebDriver:Navigate', { url });
      const answer = await remote.send('WebDriver:ExecuteScript', { script, args: [] });
      await remote.send('Marionette:SetContext', { value: 'chrome' });
      return given(answer);
    },
    chrome: async (script, ...args) => {
      const answer = await remote.send('WebDriver:ExecuteScript', {
        script: `return (async (...args) => { ${script} })(...arguments);`,
        args,
        newSandbox: true,
        sandbox: 'system',
      });
      return given(answer);
    },
    quit: async () => {
      try {
        await remote.send('Marionette:Quit', { flags: ['eForceQuit'] });
        await within(ended, timeoutMs);
      } finally {
        remote.close();
        await stop();
      }
    },
  };
}

/** Work with a Firefox that is ended afterwards, whatever happens. */
export async function withFirefox<T>(how: Launch, work: (firefox: Firefox) => Promise<T>): Promise<T> {
  const firefox = await startFirefox(how);
  try {
    return await work(firefox);
  } finally {
    await firefox.quit();
  }
}
