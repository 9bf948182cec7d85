import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { databaseOf } from '../../keys/open.ts';
import { type Peeked, peek } from '../../keys/peek.ts';
import { stateFolder } from '../key-store.ts';
import { localFile } from '../trust-store.ts';
import type { Stored } from './spec.ts';

/** A file that takes longer to read than somebody waits for a list, in bytes. */
const MAX_BYTES = 4_000_000;

/** How long a service of this machine may take to answer. */
const ANSWER_MS = 500;

const keysDatabase = () => databaseOf({ folder: process.env['POSTERN_STORE'] ?? stateFolder(process.env) });

async function sites(): Promise<Peeked> {
  const { DEFAULT_SERVICE, serviceCaller, servicePath } = await import('../throttle-service.ts');
  const service = process.env['POSTERN_SERVICE'] ?? DEFAULT_SERVICE;
  // Over TCP it may be far away.
  if (!service.startsWith('unix:')) return [];
  const ask = serviceCaller<{ sites: readonly { name: string; note: string }[] }>(
    { service, 'token-file': undefined, json: undefined },
    AbortSignal.timeout(ANSWER_MS),
  );
  return (await ask(servicePath(['sites']))).sites.map(({ name, note }) => [name, note]);
}

async function entries(): Promise<Peeked> {
  const { Office } = await import('../mediator.ts');
  const office = new Office(undefined);
  const journal = join(office.folder, 'journal.jsonl');
  if (!existsSync(journal) || statSync(journal).size > MAX_BYTES) return [];
  const known = office.journalOrNone().ledger.entries;
  return [...known].map(([id, { proposal, status }]) => [id, `${proposal.name}, ${status}`]);
}

async function decisions(): Promise<Peeked> {
  const file = localFile();
  if (!existsSync(file) || statSync(file).size > MAX_BYTES) return [];
  const { readOverrides } = await import('../../trust/overrides.ts');
  const { trust, block } = readOverrides(readFileSync(file), file).overrides;
  return [
    ...trust.map(({ domain, name }) => [domain, `trusted as ${name}`] as const),
    ...block.map(({ domain, from }) => [domain, from === 'all' ? 'blocked' : 'not trusted'] as const),
  ];
}

async function profiles(): Promise<Peeked> {
  const { profilesFor } = await import('../browser-profile.ts');
  return profilesFor(undefined, undefined).map(({ name, folder }) => [name, folder]);
}

async function changes(): Promise<Peeked> {
  const { backupsFolder } = await import('../browser-profile.ts');
  const folder = backupsFolder({ 'backup-folder': process.env['POSTERN_BACKUP_FOLDER'], json: undefined });
  return existsSync(folder) ? readdirSync(folder).map((id) => [id, '']) : [];
}

const READERS: Readonly<Record<Stored, () => Promise<Peeked>>> = {
  account: () =>
    peek(keysDatabase(), 'SELECT account, max(label) FROM logins GROUP BY account ORDER BY account'),
  login: () => peek(keysDatabase(), 'SELECT id, account FROM logins ORDER BY account'),
  session: () => peek(keysDatabase(), 'SELECT id, account FROM session_passwords ORDER BY account'),
  client: () => peek(keysDatabase(), 'SELECT id, label FROM validation_clients ORDER BY id'),
  key: () => peek(keysDatabase(), 'SELECT public_id, state FROM keys ORDER BY public_id'),
  site: sites,
  entry: entries,
  decision: decisions,
  profile: profiles,
  change: changes,
};

/** What a shell inserts without quotes, and is not taken for a flag. */
const INSERTABLE = /^[\w.:@+/][\w.:@+/-]*$/;

/**
 * Names that are known on this machine, with what is said of each, for somebody who types one.
 *
 * @returns those that any shell can insert; none where nothing can be read: a completion has nobody to complain to
 */
export async function storedNames(kind: Stored): Promise<{ word: string; about: string }[]> {
  const found = await READERS[kind]().catch((): Peeked => []);
  return found.filter(([word]) => INSERTABLE.test(word)).map(([word, about]) => ({ word, about }));
}
