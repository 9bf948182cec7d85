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
import type { Namespace } from './namespace.ts';

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

/** One address of Postfix, and in what it differs from main.cf: `name=value` without spaces. */
export type PostfixService = {
  readonly host: string;
  readonly port: number;
  readonly settings?: readonly string[];
};

function masterCf(services: readonly PostfixService[]): string {
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
    ...services.map(
      ({ host, port, settings = [] }) =>
        `${host}:${port} inet n - n - 20 smtpd ${settings.map((setting) => `-o ${setting}`).join(' ')}`,
    ),
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

/** Folders with a configuration that keeps Postfix to itself. */
function configure(services: readonly PostfixService[], settings: readonly string[]) {
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
      `inet_interfaces = ${services.map(({ host }) => host).join(', ')}`,
      'inet_protocols = ipv4',
      'mynetworks = 127.0.0.0/8',
      'alias_maps =',
      'local_recipient_maps =',
      'smtpd_tls_security_level = may',
      'smtpd_tls_received_header = yes',
      'smtpd_client_connection_count_limit = 0',
      'smtpd_client_connection_rate_limit = 0',
      'smtpd_data_restrictions = check_client_access static:HOLD',
      ...settings,
      '',
    ].join('\n'),
  );
  writeFileSync(join(etc, 'master.cf'), masterCf(services));
  return { folder, etc, queue, log: () => readFileSync(join(folder, 'mail.log'), 'utf8') };
}

/** Key and chain in one file, as Postfix reads them. */
function writeChain(certificate: { readonly keyPem: string; readonly chainPem: string }): string {
  const file = join(mkdtempSync(join(tmpdir(), 'postern-chain-')), 'tls.pem');
  writeFileSync(file, `${certificate.keyPem}${certificate.chainPem}`, { mode: 0o600 });
  return file;
}

// `start` wants a terminal to show its errors.
const startCommand = (etc: string) => ['script', '-qec', `postfix -c ${etc} start`, '/dev/null'];

/**
 * Start Postfix on a high port of loopback. Needs root, as Postfix does.
 *
 * @param settings  lines of main.cf beside those that keep it to itself
 */
export async function startPostfix(
  certificate: { readonly keyPem: string; readonly chainPem: string },
  settings: readonly string[] = [],
): Promise<PostfixServer> {
  const host = '127.0.0.1';
  const port = await findSharedPort([host]);
  const chain = `smtpd_tls_chain_files = ${writeChain(certificate)}`;
  const { etc, queue, log } = configure([{ host, port }], [chain, ...settings]);
  const [program = '', ...rest] = startCommand(etc);
  const started = spawnSync(program, rest, { encoding: 'utf8' });
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
      if (stopped.status !== 0) throw new Error(`Postfix does not stop: ${log()}`);
    },
  };
}

/** A service of a Postfix in a namespace; without a certificate it cannot do what it offers. */
export type NamespaceService = PostfixService & {
  readonly certificate?: { readonly keyPem: string; readonly chainPem: string };
};

/** Start one Postfix in a namespace with several addresses that differ; gives what stops it. */
export async function startPostfixIn(
  namespace: Namespace,
  services: readonly NamespaceService[],
): Promise<() => Promise<void>> {
  const listed = services.map(({ certificate, settings = [], ...rest }) => ({
    ...rest,
    settings: certificate ? [`smtpd_tls_chain_files=${writeChain(certificate)}`, ...settings] : settings,
  }));
  const { etc, log } = configure(listed, []);
  const started = await namespace.run(startCommand(etc));
  if (started.exit !== 0) throw new Error(`Postfix does not start: ${started.stdout}`);
  for (const { host, port } of services) await namespace.untilListening(host, port);
  return async () => {
    const { exit } = await namespace.run(['postfix', '-c', etc, 'stop']);
    if (exit !== 0) throw new Error(`Postfix does not stop: ${log()}`);
  };
}
