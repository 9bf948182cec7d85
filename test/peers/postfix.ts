import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findSharedPort } from '../../src/lab/mail-server.ts';

/** A Postfix of its own, with its own configuration and queue, that keeps what it gets. */
export type PostfixServer = {
  readonly host: string;
  readonly port: number;
  /** Messages on hold in the queue, as they would be delivered. */
  messages(): Buffer[];
  stop(): void;
};

function uidOf(name: string): { uid: number; gid: number } {
  const [, , uid, gid] = execFileSync('getent', ['passwd', name], { encoding: 'utf8' }).split(':');
  return { uid: Number(uid), gid: Number(gid) };
}

function masterCf(listen: string): string {
  const internal = [
    'cleanup unix n - n - 0 cleanup',
    'qmgr unix n - n 300 1 qmgr',
    'rewrite unix - - n - - trivial-rewrite',
  ];
  const more = ['bounce', 'defer', 'trace'].map((name) => `${name} unix - - n - 0 bounce`);
  const small = ['verify', 'error', 'discard', 'anvil', 'scache'].map(
    (name) => `${name} unix - - n - 1 ${name}`,
  );
  return [
    `${listen} inet n - n - 20 smtpd`,
    ...internal,
    ...more,
    ...small,
    'tlsmgr unix - - n 1000? 1 tlsmgr',
    'flush unix n - n 1000? 0 flush',
    'proxymap unix - - n - - proxymap',
    'showq unix n - n - - showq',
    'postlog unix-dgram n - n - 1 postlogd',
    '',
  ].join('\n');
}

async function waitFor(host: string, port: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect({ host, port });
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.unref();
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`Postfix does not listen on ${host}:${port}`);
}

/**
 * Start Postfix on a high port of loopback. Needs root, as Postfix does.
 *
 * @param settings  lines of main.cf beside those that keep it to itself
 */
export async function startPostfix(
  certificate: { readonly keyPem: string; readonly chainPem: string },
  settings: readonly string[] = [],
): Promise<PostfixServer> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-postfix-'));
  chmodSync(folder, 0o755);
  const [etc, queue, data] = ['etc', 'queue', 'data'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const path of [etc, queue, data]) mkdirSync(path);
  const { uid, gid } = uidOf('postfix');
  chownSync(data, uid, gid);
  const host = '127.0.0.1';
  const port = await findSharedPort([host]);
  writeFileSync(join(folder, 'tls.pem'), `${certificate.keyPem}${certificate.chainPem}`, { mode: 0o600 });
  writeFileSync(
    join(etc, 'main.cf'),
    [
      'compatibility_level = 3.6',
      `queue_directory = ${queue}`,
      `data_directory = ${data}`,
      `maillog_file = ${folder}/mail.log`,
      `maillog_file_prefixes = ${folder}`,
      'myhostname = mx.postfix.test',
      'mydestination = postfix.test',
      'inet_interfaces = 127.0.0.1',
      'inet_protocols = ipv4',
      'mynetworks = 127.0.0.0/8',
      'alias_maps =',
      'local_recipient_maps =',
      'smtpd_tls_security_level = may',
      `smtpd_tls_chain_files = ${folder}/tls.pem`,
      'smtpd_tls_received_header = yes',
      'smtpd_client_connection_count_limit = 0',
      'smtpd_client_connection_rate_limit = 0',
      'smtpd_data_restrictions = check_client_access static:HOLD',
      ...settings,
      '',
    ].join('\n'),
  );
  writeFileSync(join(etc, 'master.cf'), masterCf(`${host}:${port}`));
  // `start` wants a terminal to show its errors.
  const started = spawnSync('script', ['-qec', `postfix -c ${etc} start`, '/dev/null'], { encoding: 'utf8' });
  if (started.status !== 0) throw new Error(`Postfix does not start: ${started.stdout}`);
  await waitFor(host, port);
  return {
    host,
    port,
    messages: () =>
      readdirSync(join(queue, 'hold')).map((id) =>
        execFileSync('postcat', ['-c', etc, '-bhq', id], { maxBuffer: 10_000_000 }),
      ),
    stop: () => {
      const stopped = spawnSync('postfix', ['-c', etc, 'stop'], { encoding: 'utf8' });
      if (stopped.status !== 0)
        throw new Error(`Postfix does not stop: ${readFileSync(`${folder}/mail.log`, 'utf8')}`);
    },
  };
}
