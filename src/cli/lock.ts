import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { AppError, ExitCode } from '../errors.ts';
import { cannotKeep, readIfThere } from '../registry/files.ts';

/**
 * Do something that only one process may do at a time. The lock of a process that died is taken over.
 *
 * @throws {AppError} E_LOCKED, exit 69, when another one is at work
 */
export async function withLock<T>(file: string, work: () => Promise<T> | T): Promise<T> {
  const release = lock(file);
  try {
    return await work();
  } finally {
    release();
  }
}

function lock(file: string): () => void {
  for (let tries = 0; tries < 3; tries += 1) {
    if (claim(file)) return () => rmSync(file, { force: true });
    const owner = Number(readIfThere(file, 64)?.toString() ?? Number.NaN);
    if (Number.isInteger(owner) && isAlive(owner)) break;
    takeFromDead(file, owner);
  }
  throw new AppError(`Another postern is at work in '${dirname(file)}'.`, {
    code: 'E_LOCKED',
    exit: ExitCode.unavailable,
    hint: 'Wait until it is done, then run this again.',
  });
}

/** Move a dead process's lock away. Only one gets to do it; a lock that somebody took meanwhile goes back. */
function takeFromDead(file: string, owner: number): void {
  const aside = `${file}.${randomBytes(4).toString('hex')}`;
  try {
    renameSync(file, aside);
    if (Number(readFileSync(aside, 'utf8')) !== owner) linkSync(aside, file);
  } catch {
    // Gone already: then somebody else was faster, and the next try shows it.
  } finally {
    rmSync(aside, { force: true });
  }
}

/** The lock appears with its content: a link either is made or is there already. */
function claim(file: string): boolean {
  const own = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(own, String(process.pid), { mode: 0o600 });
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw cannotKeep(file, error);
  } finally {
    unlinkSync(own);
  }
}

function isAlive(owner: number): boolean {
  try {
    process.kill(owner, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
