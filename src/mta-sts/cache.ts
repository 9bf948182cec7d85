import { createHash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, mkdir, open, readdir, rename, rm, stat, unlink } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';

/** A policy as it was served, and when. */
export type CachedPolicy = {
  /** Of the record at that time. */
  readonly id: string;
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly fetchedMs: number;
};

/**
 * Keeps policies between runs (RFC 8461 §3.3). Neither method throws for what the file system does: a policy that
 * cannot be kept is fetched again.
 */
export type PolicyCache = {
  /** @returns null when there is none that can be read */
  read(domain: string): Promise<CachedPolicy | null>;
  write(domain: string, entry: CachedPolicy): Promise<void>;
};

export type CacheOptions = {
  /** Told once, as a sentence, when the folder cannot be used. */
  readonly warn?: (message: string) => void;
  /** Most policies that are kept; the longest unchanged go first. */
  readonly maxPolicies?: number;
};

/** A policy has at most 64 KiB; as JSON each byte can take six. */
const MAX_FILE_BYTES = 512 * 1024;
const MAX_POLICIES = 10_000;
const FORMAT = 1;

/** Names of files never come from outside: a hash is safe on every file system and of one length. */
function fileOf(folder: string, domain: string): string {
  return join(folder, `${createHash('sha256').update(domain.toLowerCase()).digest('hex')}.json`);
}

/** @throws Error when others could have written there */
async function vetFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const found = await lstat(folder);
  const { uid } = userInfo(); // -1 where there are no such numbers
  if (!found.isDirectory()) throw new Error('it is no folder');
  if (uid !== -1 && found.uid !== uid) throw new Error('it belongs to another user');
  if (uid !== -1 && (found.mode & 0o077) !== 0) throw new Error('others can get at it; make it 0700');
}

function readEntry(text: string, domain: string): CachedPolicy | null {
  const entry = JSON.parse(text) as Record<string, unknown> | null;
  if (entry === null || entry['format'] !== FORMAT || entry['domain'] !== domain) return null;
  const { id, text: policy, fetchedMs } = entry;
  if (typeof id !== 'string' || typeof policy !== 'string' || !Number.isSafeInteger(fetchedMs)) return null;
  return { id, text: policy, fetchedMs: fetchedMs as number };
}

async function readFileBounded(file: string): Promise<string | null> {
  // Never through a link, and never waiting for a pipe.
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const found = await handle.stat();
    return found.isFile() && found.size <= MAX_FILE_BYTES ? await handle.readFile('utf8') : null;
  } finally {
    await handle.close();
  }
}

/** A reader sees the old policy or the new one, never half of one. */
async function replaceFile(file: string, text: string): Promise<void> {
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(text);
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Makes room: leftovers of runs that were killed and the policies unchanged for longest go. */
async function tidy(folder: string, maxPolicies: number): Promise<void> {
  const names = (await readdir(folder)).filter((name) =>
    /^[0-9a-f]{64}\.json(?:\.[0-9a-f]+\.tmp)?$/.test(name),
  );
  if (names.length <= maxPolicies) return;
  const aged = await Promise.all(
    names.map(async (name) => {
      const file = join(folder, name);
      return {
        file,
        mtimeMs: await stat(file).then(
          ({ mtimeMs }) => mtimeMs,
          () => 0,
        ),
      };
    }),
  );
  const surplus = aged.toSorted((a, b) => a.mtimeMs - b.mtimeMs).slice(0, aged.length - maxPolicies);
  for (const { file } of surplus) await unlink(file).catch(() => undefined);
}

/**
 * Policies in the files of a folder, which is made when first needed: one file a domain, 0600 in a folder that is ours
 * and 0700. A folder that others can write to is not used, as a policy from there would be anybody's.
 */
export function openPolicyCache(folder: string, options: CacheOptions = {}): PolicyCache {
  let warned = false;
  const tell = (error: unknown) => {
    if (warned) return;
    warned = true;
    const reason =
      error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : 'unknown';
    options.warn?.(`MTA-STS policies are not kept in '${folder}': ${reason}.`);
  };
  let vetted: Promise<boolean> | undefined;
  const prepare = async () => {
    await vetFolder(folder);
    await tidy(folder, options.maxPolicies ?? MAX_POLICIES);
    return true;
  };
  const usable = () => {
    vetted ??= prepare().catch((error) => {
      tell(error);
      return false;
    });
    return vetted;
  };
  return {
    read: async (domain) => {
      try {
        const text = (await usable()) ? await readFileBounded(fileOf(folder, domain)) : null;
        return text === null ? null : readEntry(text, domain.toLowerCase());
      } catch {
        return null; // not there, or not what we wrote: as if it were not there
      }
    },
    write: async (domain, { id, text, fetchedMs }) => {
      if (!(await usable())) return;
      const entry = { format: FORMAT, domain: domain.toLowerCase(), id, fetchedMs, text };
      await replaceFile(fileOf(folder, domain), `${JSON.stringify(entry)}\n`).catch(tell);
    },
  };
}
