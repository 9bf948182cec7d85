import { readFileSync } from 'node:fs';
import { AppError, ExitCode } from '../errors.ts';
import type { RedisServer } from './place.ts';

function readCa(file: string, flag: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new AppError(`--${flag}: '${file}' cannot be read.`, {
      code: 'E_STORE_URL',
      exit: ExitCode.usage,
      hint: 'sslrootcert names the certificate authorities of the server in PEM.',
      cause,
    });
  }
}

/**
 * How a client reaches a server, and shows who it is.
 *
 * @param flag  that the server was given with
 * @throws AppError E_STORE_URL (exit 64), or what reading the password throws
 */
export function clientOptions(server: RedisServer, password: (() => string) | undefined, flag: string) {
  const { host, port, database: db, user, tls } = server;
  const secret = password?.();
  return {
    host,
    port,
    db,
    ...(user !== undefined && { username: user }),
    ...(secret !== undefined && { password: secret }),
    ...(tls && {
      tls: { minVersion: 'TLSv1.2' as const, ...(tls.ca !== undefined && { ca: readCa(tls.ca, flag) }) },
    }),
  };
}
