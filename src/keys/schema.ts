/**
 * How the database came to be, a step an entry: `user_version` counts how many were taken. A step is never changed
 * once it was released; a new one is added.
 *
 * `keys` is what validation serves from: one row a public id. `slots` is what was written into which key, secrets
 * sealed; a row is there before the key is written to.
 */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
   CREATE TABLE keys (
     public_id   TEXT PRIMARY KEY,
     state       TEXT NOT NULL CHECK (state IN ('written', 'active', 'disabled')),
     secret      BLOB NOT NULL,
     use_counter INTEGER NOT NULL DEFAULT -1,
     session_use INTEGER NOT NULL DEFAULT -1,
     timestamp   INTEGER,
     seen_ms     INTEGER,
     serial      INTEGER,
     created_ms  INTEGER NOT NULL,
     changed_ms  INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE slots (
     id         TEXT PRIMARY KEY,
     serial     INTEGER NOT NULL,
     slot       INTEGER NOT NULL CHECK (slot IN (1, 2)),
     kind       TEXT NOT NULL,
     state      TEXT NOT NULL CHECK (state IN ('pending', 'written', 'current', 'past', 'refused')),
     public_id  TEXT,
     config     BLOB NOT NULL,
     old_code   BLOB NOT NULL,
     firmware   TEXT NOT NULL,
     created_ms INTEGER NOT NULL,
     changed_ms INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX slots_by_key ON slots (serial, slot, state);
   CREATE INDEX keys_by_serial ON keys (serial);`,
  // Logins: whose key, with what else. `login_keys` has who validates a key, and the last counters that were seen there.
  `CREATE TABLE login_keys (
     public_id   TEXT PRIMARY KEY,
     validator   TEXT NOT NULL,
     use_counter INTEGER NOT NULL DEFAULT -1,
     session_use INTEGER NOT NULL DEFAULT -1,
     seen_ms     INTEGER
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE logins (
     id         TEXT PRIMARY KEY,
     account    TEXT NOT NULL,
     kind       TEXT NOT NULL CHECK (kind IN ('otp', 'password+otp')),
     label      TEXT NOT NULL,
     services   TEXT NOT NULL,
     password   TEXT,
     expires_ms INTEGER,
     created_ms INTEGER NOT NULL,
     changed_ms INTEGER NOT NULL,
     CHECK ((password IS NULL) = (kind = 'otp'))
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX logins_by_account ON logins (account);
   CREATE TABLE login_has_key (
     login_id  TEXT NOT NULL REFERENCES logins (id) ON DELETE CASCADE,
     public_id TEXT NOT NULL REFERENCES login_keys (public_id),
     PRIMARY KEY (login_id, public_id)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX logins_by_key ON login_has_key (public_id);
   CREATE TABLE session_passwords (
     id         TEXT PRIMARY KEY,
     account    TEXT NOT NULL,
     digest     BLOB NOT NULL UNIQUE,
     service    TEXT NOT NULL,
     network    TEXT,
     length_ms  INTEGER NOT NULL,
     created_ms INTEGER NOT NULL,
     first_ms   INTEGER,
     last_ms    INTEGER
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX session_passwords_by_account ON session_passwords (account);`,
  `CREATE TABLE validation_clients (
     id           INTEGER PRIMARY KEY,
     label        TEXT NOT NULL,
     state        TEXT NOT NULL CHECK (state IN ('active', 'disabled')),
     api_key      BLOB NOT NULL,
     old_key      BLOB,
     old_until_ms INTEGER,
     must_sign    INTEGER NOT NULL CHECK (must_sign IN (0, 1)),
     public_ids   TEXT NOT NULL,
     networks     TEXT NOT NULL,
     created_ms   INTEGER NOT NULL,
     changed_ms   INTEGER NOT NULL,
     used_ms      INTEGER
   ) STRICT;
   CREATE TABLE validation_seen (
     public_id   TEXT PRIMARY KEY,
     use_counter INTEGER NOT NULL,
     session_use INTEGER NOT NULL,
     nonce       TEXT NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE validation_health (n INTEGER PRIMARY KEY, ms INTEGER NOT NULL) STRICT;
   CREATE TABLE audit (
     n       INTEGER PRIMARY KEY,
     time_ms INTEGER NOT NULL,
     actor   TEXT NOT NULL,
     action  TEXT NOT NULL,
     subject TEXT NOT NULL,
     hash    BLOB NOT NULL
   ) STRICT;
   CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN SELECT raise(ABORT, 'the audit log is append-only'); END;
   CREATE TRIGGER audit_is_not_cut BEFORE DELETE ON audit BEGIN SELECT raise(ABORT, 'the audit log is append-only'); END;`,
];
