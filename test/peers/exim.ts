import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { findSharedPort } from '../../src/lab/mail-server.ts';

/** An Exim of its own, with its own configuration and spool, that keeps what it gets. */
export type EximServer = {
  readonly host: string;
  readonly port: number;
  /** A message of the spool, as it would be delivered. */
  message(id: string): Promise<Buffer>;
  stop(): Promise<void>;
};

/**
 * The program in an unpacked exim4-daemon-light, whose folder POSTERN_EXIM names: as a package it cannot be installed
 * beside Postfix. Undefined where it is not.
 */
export function eximProgram(): string | undefined {
  const folder = process.env['POSTERN_EXIM'];
  const program = folder === undefined ? undefined : join(folder, 'usr/sbin/exim4');
  return program !== undefined && existsSync(program) ? program : undefined;
}

function configuration(folder: string, port: number): string {
  return [
    'primary_hostname = mx.exim.test',
    'exim_user = nobody',
    'exim_group = nogroup',
    `spool_directory = ${folder}/spool`,
    `log_file_path = ${folder}/log/%slog`,
    `pid_file_path = ${folder}/exim.pid`,
    'local_interfaces = 127.0.0.1',
    `daemon_smtp_ports = ${port}`,
    'tls_advertise_hosts = *',
    `tls_certificate = ${folder}/chain.pem`,
    `tls_privatekey = ${folder}/key.pem`,
    'host_lookup =',
    'rfc1413_hosts =',
    'acl_smtp_rcpt = accept',
    'acl_smtp_data = accept',
    'queue_only',
    'keep_environment =',
    '',
  ].join('\n');
}

/**
 * How Exim is called: in a mount namespace in which the user exists that the package would have made. Needs root.
 */
function caller(program: string, folder: string) {
  for (const [file, line] of [
    ['passwd', 'Debian-exim:x:64999:64999::/nonexistent:/usr/sbin/nologin\n'],
    ['group', 'Debian-exim:x:64999:\n'],
  ] as const)
    writeFileSync(join(folder, file), `${readFileSync(`/etc/${file}`, 'utf8')}${line}`);
  const mounts = ['passwd', 'group']
    .map((file) => `mount --bind ${folder}/${file} /etc/${file}`)
    .join(' && ');
  return (...args: readonly string[]): ChildProcess =>
    spawn(
      'unshare',
      ['--mount', 'sh', '-c', `${mounts} && exec "$@"`, 'sh', program, '-C', `${folder}/exim.conf`, ...args],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
}

async function answers(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(2000) });
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/**
 * Start Exim on a high port of loopback.
 *
 * @param certificate  null for one that offers STARTTLS and then has no certificate to show
 */
export async function startExim(
  program: string,
  certificate: { readonly keyPem: string; readonly chainPem: string } | null,
): Promise<EximServer> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-exim-'));
  chmodSync(folder, 0o755);
  for (const name of ['spool', 'log']) {
    mkdirSync(join(folder, name));
    chmodSync(join(folder, name), 0o777);
  }
  if (certificate) {
    writeFileSync(join(folder, 'chain.pem'), certificate.chainPem);
    writeFileSync(join(folder, 'key.pem'), certificate.keyPem);
  }
  const host = '127.0.0.1';
  const port = await findSharedPort([host]);
  writeFileSync(join(folder, 'exim.conf'), configuration(folder, port), { mode: 0o644 });
  const call = caller(program, folder);
  const daemon = call('-bdf');
  const said: Buffer[] = [];
  daemon.stderr?.on('data', (chunk: Buffer) => said.push(chunk));
  for (let attempt = 0; !(await answers(host, port)); attempt++) {
    if (attempt >= 100 || daemon.exitCode !== null) {
      daemon.kill();
      throw new Error(`Exim does not listen: ${Buffer.concat(said)}`);
    }
    await sleep(100);
  }
  return {
    host,
    port,
    message: async (id) => {
      const { stdout } = call('-Mvc', id);
      return stdout ? buffer(stdout) : Buffer.alloc(0);
    },
    stop: async () => {
      const ended = once(daemon, 'exit');
      daemon.kill();
      await ended;
    },
  };
}
