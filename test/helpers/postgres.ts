import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Client } from 'pg';

/** Programs of Debian's package postgresql-15. */
const BIN = '/usr/lib/postgresql/15/bin';

/** Whether there is a PostgreSQL here; where everything has to be there, its lack is a failure. */
export function hasPostgres(): boolean {
  if (existsSync(join(BIN, 'postgres'))) return true;
  if (process.env['POSTERN_REQUIRE_ALL'])
    throw new Error('PostgreSQL is missing: apt-get install postgresql-15');
  return false;
}

/** PostgreSQL refuses to run as root: then it runs as the user of its package. */
function owner(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/** A PostgreSQL server in a folder of its own, reached over its socket alone. */
export class Postgres {
  readonly folder = mkdtempSync(join(tmpdir(), 'postern-pg-'));
  readonly password = randomBytes(9).toString('base64url');
  private port = 5432;
  private readonly as = owner();
  private child: ChildProcess | undefined;
  private gone: Promise<unknown> = Promise.resolve();

  static async start(): Promise<Postgres> {
    const server = new Postgres();
    const { uid, gid } = server.as;
    const passwordFile = join(server.folder, 'password');
    writeFileSync(passwordFile, `${server.password}\n`, { mode: 0o600 });
    if (uid !== undefined && gid !== undefined)
      for (const path of [server.folder, passwordFile]) chownSync(path, uid, gid);
    execFileSync(
      join(BIN, 'initdb'),
      [
        ...['-D', join(server.folder, 'data'), '-U', 'postern', '-E', 'UTF8', '--locale=C.UTF-8'],
        ...['--auth=scram-sha-256', `--pwfile=${passwordFile}`, '--no-sync'],
      ],
      { ...server.as, stdio: 'pipe', cwd: server.folder },
    );
    await server.up();
    return server;
  }

  /** Speak TLS on this port of loopback, too, from the next start on. */
  async useTls(port: number, { chainPem, keyPem }: { chainPem: string; keyPem: string }): Promise<void> {
    const { uid, gid } = this.as;
    for (const [name, text] of [
      ['server.crt', chainPem],
      ['server.key', keyPem],
    ] as const) {
      const file = join(this.folder, 'data', name);
      writeFileSync(file, text, { mode: 0o600 });
      if (uid !== undefined && gid !== undefined) chownSync(file, uid, gid);
    }
    await this.kill();
    await this.up({ ssl: 'on', listen_addresses: '127.0.0.1', port: String(port) });
  }

  /** A database of this server, as `--store` takes it. */
  url(database: string): string {
    return `postgresql://postern@/${database}?host=${this.folder}`;
  }

  private client(database: string): Client {
    const { folder: host, port, password } = this;
    return new Client({ host, port, user: 'postern', password, database });
  }

  /** Ask the server itself, without our store. */
  async sql(text: string, database = 'postgres'): Promise<Record<string, unknown>[]> {
    const client = this.client(database);
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(text)).rows;
    } finally {
      await client.end();
    }
  }

  /** Start it, and wait until it takes connections. */
  async up(settings: Readonly<Record<string, string>> = {}): Promise<void> {
    const all = {
      listen_addresses: '',
      unix_socket_directories: this.folder,
      shared_buffers: '16MB',
      max_connections: '80',
      recovery_init_sync_method: 'syncfs',
      ...settings,
    };
    this.port = Number(settings['port'] ?? 5432);
    const options = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    for (;;) {
      const child = spawn(join(BIN, 'postgres'), ['-D', join(this.folder, 'data'), ...options], {
        ...this.as,
        cwd: this.folder,
        stdio: 'ignore',
      });
      this.child = child;
      this.gone = new Promise((resolve) => child.once('exit', resolve));
      if (await this.answers()) return;
      // What is left of one that was killed still holds its memory: it is on its way out.
      await wait(100);
    }
  }

  private async answers(): Promise<boolean> {
    while (this.child?.exitCode === null) {
      const fine = await this.sql('SELECT 1').catch(() => null);
      if (fine) return true;
      await wait(50);
    }
    return false;
  }

  /** To the server and all of its processes. */
  signal(signal: NodeJS.Signals): void {
    const pid = this.child?.pid ?? 0;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    for (const each of [pid, ...children.map(Number)]) send(each, signal);
  }

  /** End it as a power failure does, all of it at once. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.gone;
  }

  /** Begin a transaction with a statement. @returns ends it */
  async hold(text: string, database: string): Promise<() => Promise<void>> {
    const client = this.client(database);
    await client.connect();
    await client.query(`BEGIN; ${text}`);
    return () => client.end();
  }

  async close(): Promise<void> {
    this.child?.kill('SIGQUIT');
    await this.gone;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    if (pid > 0) process.kill(pid, signal);
  } catch {
    // It has ended by itself.
  }
}
