import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parseDatabaseUrl } from '../../src/postgres/place.ts';
import { parseRedisUrl } from '../../src/redis/place.ts';
import { openOrCreateStores, type Place } from '../../src/stores/open.ts';
import type { Stores } from '../../src/stores/types.ts';
import { Postgres } from './postgres.ts';
import { RedisLab } from './redis.ts';

export type StoreKind = 'sqlite' | 'postgresql' | 'redis';

/** Which store the labs of a process use: SQLite, unless this variable says otherwise. */
export const STORE_VARIABLE = 'POSTERN_TEST_STORE';

let server: Promise<Postgres> | undefined;
let databases = 0;

/** One server for all labs of a file, which have a database each. */
function sharedPostgres(): Promise<Postgres> {
  server ??= Postgres.start();
  return server;
}

let redis: Promise<RedisLab> | undefined;

/** Stop the servers of all labs, if there are any. */
export async function stopServers(): Promise<void> {
  const running = [server, redis];
  server = undefined;
  redis = undefined;
  for (const each of running) await (await each)?.close();
}

/** Where a lab keeps its keys: a folder of its own, or a database of a server of its own. */
export class LabStore {
  readonly kind: StoreKind;
  readonly folder: string;
  private redisNumber: number | undefined;
  /** Name of its database. */
  private database: Promise<string> | undefined;

  constructor(folder: string, kind?: StoreKind) {
    this.folder = folder;
    this.kind = kind ?? ((process.env[STORE_VARIABLE] ?? 'sqlite') as StoreKind);
  }

  /** The Redis server behind it. */
  redis(): Promise<RedisLab> {
    redis ??= RedisLab.start();
    return redis;
  }

  /** Which of its databases is ours. */
  get number(): number {
    if (this.redisNumber === undefined) {
      databases += 1;
      this.redisNumber = databases;
    }
    return this.redisNumber;
  }

  /** The database server behind it. */
  postgres(): Promise<Postgres> {
    return sharedPostgres();
  }

  private async made(): Promise<string> {
    const running = await this.postgres();
    databases += 1;
    const name = `lab${databases}`;
    await running.sql(`CREATE DATABASE ${name}`);
    writeFileSync(join(this.folder, 'database.password'), `${running.password}\n`, { mode: 0o600 });
    return name;
  }

  private async url(): Promise<string> {
    this.database ??= this.made();
    return (await this.postgres()).url(await this.database);
  }

  async place(): Promise<Place> {
    if (this.kind === 'sqlite') return { kind: 'folder', folder: this.folder };
    const usualKeyFile = join(this.folder, 'master.key');
    if (this.kind === 'redis') {
      const { port, password } = await this.redis();
      const at = parseRedisUrl(`redis://127.0.0.1:${port}/${this.number}`, 'store');
      return { kind: 'redis', server: at, password: () => password, mayForget: false, usualKeyFile };
    }
    const { password } = await this.postgres();
    return {
      kind: 'postgresql',
      server: parseDatabaseUrl(await this.url()),
      password: () => password,
      usualKeyFile,
    };
  }

  async open(): Promise<Stores> {
    return (await openOrCreateStores(await this.place())).stores;
  }

  /** What programs are told of it, once it was opened here. */
  async env(): Promise<Record<string, string>> {
    if (this.kind === 'sqlite') return { POSTERN_STORE: this.folder };
    if (this.kind === 'redis') {
      const running = await this.redis();
      writeFileSync(join(this.folder, 'database.password'), running.password, { mode: 0o600 });
    }
    return {
      POSTERN_STORE: this.kind === 'redis' ? (await this.redis()).url(this.number) : await this.url(),
      POSTERN_STORE_PASSWORD_FILE: join(this.folder, 'database.password'),
      POSTERN_MASTER_KEY_FILE: join(this.folder, 'master.key'),
    };
  }

  /** Ask the database itself. */
  async rows(text: string): Promise<Record<string, unknown>[]> {
    return (await this.postgres()).sql(text, await this.database);
  }

  /** Do to the audit log what nobody should: change an entry. */
  async forgeAudit(): Promise<void> {
    const forged = "UPDATE audit SET actor = 'nobody' WHERE n = 2";
    if (this.kind === 'sqlite') {
      const database = new DatabaseSync(join(this.folder, 'keys.db'));
      database.exec(`DROP TRIGGER audit_is_not_changed; ${forged}`);
      database.close();
    } else if (this.kind === 'redis') {
      const running = await this.redis();
      const [text] = (await running.ask(this.number, 'LRANGE', '{postern}:audit', 1, 1)) as string[];
      const entry = JSON.stringify({ ...JSON.parse(text ?? '{}'), actor: 'nobody' });
      await running.ask(this.number, 'LSET', '{postern}:audit', 1, entry);
    } else {
      await this.rows('DROP TRIGGER audit_is_not_changed ON postern.audit');
      await this.rows(forged.replace('audit', 'postern.audit'));
    }
  }
}

/** Secrets of a key. */
export const newSecret = () => ({ privateId: randomBytes(6), aesKey: randomBytes(16) });
