import { AppError, ExitCode } from '../errors.ts';
import type { Script } from './client.ts';
import type { Server } from './server.ts';

export type Row = Readonly<Record<string, unknown>>;

/** Everything begins with this; the braces keep it together in a cluster. */
const PREFIX = '{postern}:';

/** Rows of a kind, by name: each is JSON with the columns of the store in a folder. */
export type Table =
  | 'meta'
  | 'keys'
  | 'clients'
  | 'logins'
  | 'by-account'
  | 'login-keys'
  | 'sessions'
  | 'by-id';

export const keyOf = (name: Table | 'audit' | 'health') => `${PREFIX}${name}`;

/** Columns that hold bytes. */
const BYTES: ReadonlySet<string> = new Set(['secret', 'api_key', 'old_key', 'hash', 'digest', 'value']);

/** A row as it is kept. */
export function packed(row: Row): string {
  const plain = Object.entries(row).map(([name, value]) => [
    name,
    value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value,
  ]);
  return JSON.stringify(Object.fromEntries(plain));
}

export function unpacked(text: string): Row {
  return JSON.parse(text, (name, value: unknown) =>
    BYTES.has(name) && typeof value === 'string' ? Buffer.from(value, 'base64') : value,
  ) as Row;
}

/** Rows are written only if what they were made from has not changed meanwhile; else nothing is. */
const COMMIT: Script = {
  name: 'posternCommit',
  lua: `
    local plan = cjson.decode(ARGV[1])
    for _, each in ipairs(plan.expected) do
      local found = redis.call('HGET', each[1], each[2])
      if found ~= (each[3] ~= cjson.null and each[3]) then return 0 end
    end
    if plan.length and redis.call('LLEN', plan.list) ~= plan.length then return 0 end
    for _, each in ipairs(plan.rows) do
      if each[3] == cjson.null then redis.call('HDEL', each[1], each[2])
      else redis.call('HSET', each[1], each[2], each[3]) end
    end
    if plan.length then redis.call('RPUSH', plan.list, plan.entry) end
    return 1`,
};

/** Times that something is tried which others change at the same time. */
const TRIES = 200;

function busy(name: string): AppError {
  return new AppError(`The store ${name} was changed by others all the time.`, {
    code: 'E_STORE',
    exit: ExitCode.unavailable,
    hint: 'Try again.',
  });
}

/** What a change has read, and what it wants to write. */
export class Change {
  private readonly server: Server;
  private readonly expected: (readonly [key: string, name: string, text: string | null])[] = [];
  private readonly rows: (readonly [key: string, name: string, text: string | null])[] = [];
  private entry: { readonly length: number; readonly text: string } | undefined;

  constructor(server: Server) {
    this.server = server;
  }

  /** A row, which is to be the same when the change is made. */
  async get(table: Table, name: string): Promise<Row | undefined> {
    const text = (await this.server.ask('HGET', keyOf(table), name)) as string | null;
    this.expected.push([keyOf(table), name, text]);
    return text === null ? undefined : unpacked(text);
  }

  put(table: Table, name: string, row: Row): void {
    this.rows.push([keyOf(table), name, packed(row)]);
  }

  drop(table: Table, name: string): void {
    this.rows.push([keyOf(table), name, null]);
  }

  /** The last entry of the audit log, and how many there are, which is to be the same when the change is made. */
  async append(next: (last: Row | undefined) => Row): Promise<void> {
    const [text] = (await this.server.ask('LRANGE', keyOf('audit'), -1, -1)) as string[];
    const last = text === undefined ? undefined : unpacked(text);
    this.entry = { length: Number(last?.['n'] ?? 0), text: packed(next(last)) };
  }

  /** @returns false when somebody else has changed one of them: nothing was done */
  async commit(): Promise<boolean> {
    const { expected, rows, entry } = this;
    if (rows.length === 0 && !entry) return true;
    const plan = {
      expected,
      rows,
      ...(entry && { list: keyOf('audit'), length: entry.length, entry: entry.text }),
    };
    return (await this.server.write(COMMIT, [], [JSON.stringify(plan)])) === 1;
  }
}

/** Make a change; it is begun anew when somebody else was faster. */
export async function change<T>(server: Server, work: (change: Change) => Promise<T>): Promise<T> {
  for (let tried = 0; tried < TRIES; tried += 1) {
    const one = new Change(server);
    const result = await work(one);
    if (await one.commit()) return result;
  }
  throw busy(server.name);
}

/** A row as it is now. */
export async function find(server: Server, table: Table, name: string): Promise<Row | undefined> {
  const text = (await server.ask('HGET', keyOf(table), name)) as string | null;
  return text === null ? undefined : unpacked(text);
}

/** Several rows, without those that are not there. */
export async function findAll(server: Server, table: Table, names: readonly string[]): Promise<Row[]> {
  if (names.length === 0) return [];
  const texts = (await server.ask('HMGET', keyOf(table), ...names)) as (string | null)[];
  return texts.flatMap((text) => (text === null ? [] : [unpacked(text)]));
}

/** All rows of a table, in no order. */
export async function rowsOf(server: Server, table: Table): Promise<Row[]> {
  const texts = (await server.ask('HVALS', keyOf(table))) as string[];
  return texts.map(unpacked);
}
