import { homedir } from 'node:os';
import { join } from 'node:path';
import { AppError, ExitCode } from '../errors.ts';
import { openTrustStore, type TrustStore } from '../registry/store.ts';
import { withLock } from './lock.ts';

/** Where lists of trusted domains are kept (XDG Base Directory Specification). */
export function trustStore(env: NodeJS.ProcessEnv = process.env): TrustStore {
  return openTrustStore(
    {
      state: join(baseFolder(env, 'XDG_STATE_HOME', '.local/state'), 'postern', 'trust'),
      cache: join(baseFolder(env, 'XDG_CACHE_HOME', '.cache'), 'postern', 'trust'),
    },
    withLock,
  );
}

/** The file of local decisions, which hold when no other is named. */
export function localFile(env: NodeJS.ProcessEnv = process.env): string {
  return join(baseFolder(env, 'XDG_CONFIG_HOME', '.config'), 'postern', 'trust.json');
}

/** Where a mediator keeps journal and keys, unless told otherwise. */
export function mediatorFolder(env: NodeJS.ProcessEnv = process.env): string {
  return join(baseFolder(env, 'XDG_STATE_HOME', '.local/state'), 'postern', 'mediator');
}

/** Where what can be had again is kept. */
export function cacheFolder(name: string, env: NodeJS.ProcessEnv = process.env): string {
  return join(baseFolder(env, 'XDG_CACHE_HOME', '.cache'), 'postern', name);
}

function baseFolder(env: NodeJS.ProcessEnv, name: string, below: string): string {
  const given = env[name];
  if (given?.startsWith('/')) return given;
  const home = env['HOME'] || homedir();
  if (home !== '') return join(home, below);
  throw new AppError(`There is no home folder, and ${name} is not set.`, {
    code: 'E_STATE',
    exit: ExitCode.config,
    hint: `Set ${name} to a folder that is yours.`,
  });
}
