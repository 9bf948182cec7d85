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
];
