import { mkdirSync } from 'node:fs';
import { AppError, ExitCode } from './errors.ts';

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of its name is a file',
  EEXIST: 'a file has that name',
};

/**
 * Make a folder, and those above it, unless it is there.
 *
 * @param mode  permissions of what is made
 * @throws AppError E_FOLDER (exit 77 without permission, else 73)
 */
export function makeFolder(folder: string, mode: number): void {
  try {
    mkdirSync(folder, { recursive: true, mode });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    throw new AppError(`Cannot make the folder '${folder}': ${REASONS[code] ?? code}.`, {
      code: 'E_FOLDER',
      exit: code === 'EACCES' || code === 'EPERM' ? ExitCode.noPermission : ExitCode.cannotWrite,
      hint: 'Name another place, or let the administrator make the folder for this user.',
      cause: error,
    });
  }
}
