import { AppError, ExitCode } from '../errors.ts';
import { type Database, MIGRATION_MS, type Run, SCHEMA } from './database.ts';

/**
 * How the schema came to be, a step an entry. A step is never changed once it was released; a new one is added. The
 * tables are those of the store in a folder, but for the slots of a desk; the last nonce is a column of the key here, so
 * that spending an OTP writes one row.
 */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE meta (name text PRIMARY KEY, value bytea NOT NULL);
   CREATE TABLE keys (
     public_id   text COLLATE "C" PRIMARY KEY,
     state       text NOT NULL CHECK (state IN ('written', 'active', 'disabled')),
     secret      bytea NOT NULL,
     use_counter integer NOT NULL DEFAULT -1,
     session_use integer NOT NULL DEFAULT -1,
     "timestamp" integer,
     seen_ms     bigint,
     nonce       text,
     serial      bigint,
     created_ms  bigint NOT NULL,
     changed_ms  bigint NOT NULL
   ) WITH (fillfactor = 70);
   CREATE INDEX keys_by_serial ON keys (serial);
   CREATE TABLE login_keys (
     public_id   text COLLATE "C" PRIMARY KEY,
     validator   text NOT NULL,
     use_counter integer NOT NULL DEFAULT -1,
     session_use integer NOT NULL DEFAULT -1,
     seen_ms     bigint
   );
   CREATE TABLE logins (
     id         text COLLATE "C" PRIMARY KEY,
     account    text COLLATE "C" NOT NULL,
     kind       text NOT NULL CHECK (kind IN ('otp', 'password+otp')),
     label      text NOT NULL,
     services   text NOT NULL,
     password   text,
     expires_ms bigint,
     created_ms bigint NOT NULL,
     changed_ms bigint NOT NULL,
     CHECK ((password IS NULL) = (kind = 'otp'))
   );
   CREATE INDEX logins_by_account ON logins (account);
   CREATE TABLE login_has_key (
     login_id  text COLLATE "C" NOT NULL REFERENCES logins (id) ON DELETE CASCADE,
     public_id text COLLATE "C" NOT NULL REFERENCES login_keys (public_id),
     PRIMARY KEY (login_id, public_id)
   );
   CREATE INDEX logins_by_key ON login_has_key (public_id);
   CREATE TABLE session_passwords (
     id         text COLLATE "C" PRIMARY KEY,
     account    text COLLATE "C" NOT NULL,
     digest     bytea NOT NULL UNIQUE,
     service    text NOT NULL,
     network    text,
     length_ms  bigint NOT NULL,
     created_ms bigint NOT NULL,
     first_ms   bigint,
     last_ms    bigint
   );
   CREATE INDEX session_passwords_by_account ON session_passwords (account);
   CREATE TABLE validation_clients (
     id           bigint PRIMARY KEY,
     label        text NOT NULL,
     state        text NOT NULL CHECK (state IN ('active', 'disabled')),
     api_key      bytea NOT NULL,
     old_key      bytea,
     old_until_ms bigint,
     must_sign    integer NOT NULL CHECK (must_sign IN (0, 1)),
     public_ids   text NOT NULL,
     networks     text NOT NULL,
     created_ms   bigint NOT NULL,
     changed_ms   bigint NOT NULL,
     used_ms      bigint
   );
   CREATE TABLE validation_health (n integer PRIMARY KEY, ms bigint NOT NULL);
   CREATE TABLE audit (
     n       bigint PRIMARY KEY,
     time_ms bigint NOT NULL,
     actor   text NOT NULL,
     action  text NOT NULL,
     subject text NOT NULL,
     hash    bytea NOT NULL
   );
   CREATE FUNCTION audit_stays() RETURNS trigger LANGUAGE plpgsql AS
     $$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$;
   CREATE TRIGGER audit_is_not_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
     FOR EACH STATEMENT EXECUTE FUNCTION audit_stays();`,
];

/** Locks of the whole database, by number: nothing else here takes such locks. */
export const LOCKS = { migration: 0x706f_7374, audit: 0x706f_7375 } as const;

/** How many steps were taken; null where there is no schema of ours. */
export async function versionOf(run: Run): Promise<number | null> {
  const [found] = await run(`SELECT to_regclass('${SCHEMA}.version')::text AS name`);
  if (!found?.['name']) return null;
  const [row] = await run(`SELECT max(n) AS n FROM ${SCHEMA}.version`);
  return Number(row?.['n'] ?? 0);
}

function newer(name: string): AppError {
  return new AppError(`The database ${name} was written by a newer postern.`, {
    code: 'E_STORE_NEWER',
    exit: ExitCode.config,
    hint: 'Use that version on every machine.',
  });
}

/**
 * Make the schema, bring it up to date. Of several machines that do so at once, one does and the others wait.
 *
 * @throws AppError E_STORE_NEWER (exit 78), E_STORE (exit 69)
 */
export async function migrate(database: Database): Promise<void> {
  if ((await versionOf(database.run)) === MIGRATIONS.length) return;
  await database.transaction(async (run) => {
    await run(`SET LOCAL lock_timeout = ${MIGRATION_MS}`);
    await run(`SET LOCAL statement_timeout = ${MIGRATION_MS}`);
    await run('SELECT pg_advisory_xact_lock($1)', [LOCKS.migration]);
    await run(`CREATE SCHEMA IF NOT EXISTS ${SCHEMA}`);
    await run(`CREATE TABLE IF NOT EXISTS ${SCHEMA}.version (n integer PRIMARY KEY)`);
    const version = (await versionOf(run)) ?? 0;
    if (version > MIGRATIONS.length) throw newer(database.name);
    for (const [index, step] of MIGRATIONS.entries()) {
      if (index < version) continue;
      for (const statement of statementsOf(step)) await run(statement);
      await run('INSERT INTO version (n) VALUES ($1)', [index + 1]);
    }
  });
}

/** A step as single statements: what is prepared is one. They are ours, and none has a semicolon before a line end inside. */
function statementsOf(step: string): string[] {
  return step.split(/;\n {3}(?=\S)/);
}
