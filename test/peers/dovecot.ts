import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { freePort } from '../helpers/ports.ts';
import { root } from '../helpers/run.ts';

// Dovecot as Debian ships it, with a configuration of its own, on loopback.

/** How it asks whether somebody may come in. */
export type Interface = 'checkpassword' | 'lua';

export type Dovecot = {
  /** Log in over TLS. @returns the answer of the server, such as `OK` or `NO [AUTHENTICATIONFAILED] …` */
  readonly login: (user: string, password: string) => Promise<string>;
  readonly log: () => string;
  readonly stop: () => Promise<void>;
};

export type Passdb = {
  readonly kind: Interface;
  readonly socket: string;
  readonly port: number;
  readonly tokenFile: string;
};

/** The `passdb` block, and what belongs to it. */
function passdb(folder: string, { kind, socket, port, tokenFile }: Passdb): string {
  if (kind === 'checkpassword') {
    const program = `${root}bin/postern-checkpassword.cjs`;
    return `passdb {\n  driver = checkpassword\n  args = ${process.execPath} ${program} --socket ${socket} --token-file ${tokenFile}\n}`;
  }
  const script = readFileSync(`${root}examples/dovecot/postern-login.lua`, 'utf8')
    .replace('127.0.0.1:8417', `127.0.0.1:${port}`)
    .replace('/etc/postern/login.token', tokenFile);
  const file = join(folder, 'login.lua');
  writeFileSync(file, script);
  return `passdb {\n  driver = lua\n  args = file=${file} blocking=yes\n}`;
}

function certificate(folder: string): void {
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
      ...['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')],
      ...['-subj', '/CN=imap.example.test', '-days', '2'],
    ],
    { stdio: 'ignore' },
  );
}

function configuration(folder: string, port: number, block: string): string {
  return `
base_dir = ${folder}/run
state_dir = ${folder}/run
log_path = ${folder}/log
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_cert = <${folder}/cert.pem
ssl_key = <${folder}/key.pem
auth_mechanisms = plain login
auth_cache_size = 0
auth_failure_delay = 0
auth_verbose = yes
mail_location = maildir:${folder}/mail/%u
first_valid_uid = 1
${block}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=${folder}/mail/%u
}
# Node reserves more address space than the 256 MB that Dovecot allows.
service auth {
  vsz_limit = 0
}
# Nobody waits longer because somebody else at this address has failed.
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service imap-login {
  inet_listener imap {
    port = 0
  }
  inet_listener imaps {
    port = ${port}
    ssl = yes
  }
}
`;
}

/** Resolves when the server says a line that begins with one of these. */
function lineFrom(socket: TLSSocket, start: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const read = (chunk: Buffer) => {
      text += chunk.toString('latin1');
      const found = text.split('\r\n').find((line) => start.test(line));
      if (found === undefined) return;
      socket.off('data', read);
      resolve(found);
    };
    socket.on('data', read).once('error', reject);
    socket.once('close', () => reject(new Error(`the server left: ${text}`)));
  });
}

const quoted = (text: string) => `"${text.replace(/[\\"]/g, (char) => `\\${char}`)}"`;

async function loginAt(port: number, user: string, password: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
  try {
    await lineFrom(socket, /^\* OK/);
    const answer = lineFrom(socket, /^a /);
    socket.write(`a LOGIN ${quoted(user)} ${quoted(password)}\r\n`);
    return (await answer).slice('a '.length);
  } finally {
    socket.destroy();
  }
}

async function untilListening(port: number, child: ChildProcess, log: () => string): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`dovecot ended with ${child.exitCode}: ${log()}`);
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
    const up = await lineFrom(socket, /^\* OK/).then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (up) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Start Dovecot; it needs root, as its processes become other users. */
export async function startDovecot(asking: Passdb): Promise<Dovecot> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-dovecot-'));
  execFileSync('chmod', ['755', folder]);
  mkdirSync(join(folder, 'mail'), { mode: 0o777 });
  execFileSync('chmod', ['777', join(folder, 'mail')]);
  certificate(folder);
  const port = await freePort();
  const config = join(folder, 'dovecot.conf');
  writeFileSync(config, configuration(folder, port, passdb(folder, asking)));
  const child = spawn('dovecot', ['-F', '-c', config], { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const log = () => (existsSync(join(folder, 'log')) ? readFileSync(join(folder, 'log'), 'utf8') : '');
  await untilListening(port, child, log);
  return {
    login: (user, password) => loginAt(port, user, password),
    log,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
