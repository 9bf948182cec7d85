import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parseDatabaseUrl } from '../../src/postgres/place.ts';
import { openOrCreateStores, type Place } from '../../src/stores/open.ts';
import type { Stores } from '../../src/stores/types.ts';
import { Postgres } from './postgres.ts';

export type StoreKind = 'sqlite' | 'postgresql';

/** Which store the labs of a process use: SQLite, unless this variable says otherwise. */
export const STORE_VARIABLE = 'POSTERN_TEST_STORE';

let server: Promise<Postgres> | undefined;
let databases = 0;

/** One server for all labs of a file, which have a database each. */
function sharedPostgres(): Promise<Postgres> {
  server ??= Postgres.start();
  return server;
}

/** Stop the server of all labs, if there is one. */
export async function stopPostgres(): Promise<void> {
  const running = server;
  server = undefined;
  await (await running)?.close();
}

/** Where a lab keeps its keys: a folder of its own, or a database of a server of its own. */
export class LabStore {
  readonly kind: StoreKind;
  readonly folder: string;
  /** Name of its database. */
  private database: Promise<string> | undefined;

  constructor(folder: string, kind?: StoreKind) {
    this.folder = folder;
    this.kind = kind ?? (process.env[STORE_VARIABLE] === 'postgresql' ? 'postgresql' : 'sqlite');
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
    const { password } = await this.postgres();
    return {
      kind: 'postgresql',
      server: parseDatabaseUrl(await this.url()),
      password: () => password,
      usualKeyFile: join(this.folder, 'master.key'),
    };
  }

  async open(): Promise<Stores> {
    return (await openOrCreateStores(await this.place())).stores;
  }

  /** What programs are told of it, once it was opened here. */
  async env(): Promise<Record<string, string>> {
    if (this.kind === 'sqlite') return { POSTERN_STORE: this.folder };
    return {
      POSTERN_STORE: await this.url(),
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
    } else {
      await this.rows('DROP TRIGGER audit_is_not_changed ON postern.audit');
      await this.rows(forged.replace('audit', 'postern.audit'));
    }
  }
}

/** Secrets of a key. */
export const newSecret = () => ({ privateId: randomBytes(6), aesKey: randomBytes(16) });
