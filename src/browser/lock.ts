import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Whether a Firefox has a profile open. */
export type Use = 'free' | 'in-use' | 'unknown';

/** Whether the kernel's list of locks has one on a file, by its inode; `undefined` where there is no such list. */
export function isLocked(locks: string, inode: number): boolean {
  return locks.split('\n').some((line) => line.includes(' POSIX ') && line.includes(`:${inode} `));
}

function locksOfKernel(): string | undefined {
  try {
    return readFileSync('/proc/locks', 'latin1');
  } catch {
    return undefined;
  }
}

/** Process id in the target of the `lock` link, `ADDRESS:+PID`. */
export function holderOf(target: string): number | undefined {
  const pid = /:\+?(\d+)$/.exec(target)?.[1];
  return pid === undefined ? undefined : Number(pid);
}

function linkTarget(folder: string): string | undefined {
  try {
    return readlinkSync(join(folder, 'lock'));
  } catch {
    return undefined;
  }
}

/**
 * Whether a profile is in use on Linux. The link `lock` stays behind after a clean end, so it alone says nothing: a
 * living Firefox holds a POSIX lock on `.parentlock`. Elsewhere, and where the lock file is there but the kernel's
 * list is not, it cannot be told.
 *
 * @param platform  as Node names it
 */
export function useOf(folder: string, platform: string): Use {
  const lock = statSync(join(folder, platform === 'win32' ? 'parent.lock' : '.parentlock'), {
    throwIfNoEntry: false,
  });
  const target = platform === 'win32' ? undefined : linkTarget(folder);
  if (!lock && target === undefined) return 'free';
  const locks = platform === 'linux' ? locksOfKernel() : undefined;
  if (locks === undefined) return 'unknown';
  if (lock && isLocked(locks, lock.ino)) return 'in-use';
  const holder = target === undefined ? undefined : holderOf(target);
  if (holder === undefined || !statSync(`/proc/${holder}`, { throwIfNoEntry: false })) return 'free';
  // The process lives and holds no lock: another one with the same number, most likely.
  return 'unknown';
}
