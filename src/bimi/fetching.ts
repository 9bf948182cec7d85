import { fetchHttps, HttpsFault, type HttpsWorld } from '../net/https.ts';

/** A copy of a file of the sender's, with what the server called it. */
export type KeptFile = { readonly etag: string | null; readonly fetchedMs: number; readonly bytes: Buffer };

/** Copies by URL, which may lose any of them. */
export type FileCache = {
  read(url: string): KeptFile | null;
  write(url: string, file: KeptFile): void;
};

/** A file of the sender's, or why there is none; `reason` is a sentence. */
export type Fetched =
  | { readonly kind: 'found'; readonly bytes: Buffer }
  | { readonly kind: 'absent' }
  | { readonly kind: 'failed'; readonly reason: string };

export type Fetcher = (
  url: string,
  wish: { readonly accept: string; readonly maxBytes: number },
) => Promise<Fetched>;

/** A copy is as good as the file for so long, and is asked about with its ETag from then on. */
const FRESH_MS = 3_600_000;
/** A server that cannot be reached is stood in for by a copy for so long. */
const STALE_MS = 7 * 86_400_000;
const REDIRECTS = 3;

/**
 * Fetch files of senders, politely and guarded: https only, through redirects as well; only from public addresses; bounded
 * in size and time; each file once a run and, thanks to copies, seldom more than once an hour.
 *
 * @param world  its `admits` decides which addresses are connected to
 */
export function senderFetcher(world: HttpsWorld, cache: FileCache, clock: () => number = Date.now): Fetcher {
  const running = new Map<string, Promise<Fetched>>();
  return (url, wish) => {
    const before = running.get(url);
    if (before !== undefined) return before;
    const fetched = fetchOnce(url, wish, world, cache, clock());
    running.set(url, fetched);
    return fetched;
  };
}

async function fetchOnce(
  url: string,
  wish: Parameters<Fetcher>[1],
  world: HttpsWorld,
  cache: FileCache,
  nowMs: number,
): Promise<Fetched> {
  const kept = cache.read(url);
  const ageMs = kept === null ? Number.POSITIVE_INFINITY : nowMs - kept.fetchedMs;
  const copy = kept !== null && kept.bytes.length <= wish.maxBytes ? found(kept.bytes) : null;
  if (copy !== null && ageMs >= 0 && ageMs < FRESH_MS) return copy;
  try {
    const etag = copy === null ? null : (kept?.etag ?? null);
    const answer = await fetchHttps(new URL(url), { ...wish, etag, redirects: REDIRECTS }, world);
    if (answer.kind === 'absent') return { kind: 'absent' };
    if (answer.kind === 'unchanged') return renewed(url, kept, cache, nowMs);
    cache.write(url, { etag: answer.etag, fetchedMs: nowMs, bytes: answer.bytes });
    return found(answer.bytes);
  } catch (error) {
    if (!(error instanceof HttpsFault)) throw error;
    if (copy !== null && (world.offline || ageMs < STALE_MS)) return copy;
    return { kind: 'failed', reason: error.message };
  }
}

function renewed(url: string, kept: KeptFile | null, cache: FileCache, nowMs: number): Fetched {
  if (kept === null) return { kind: 'failed', reason: `${url} is said to be unchanged, and was never had.` };
  cache.write(url, { ...kept, fetchedMs: nowMs });
  return found(kept.bytes);
}

function found(bytes: Buffer): Fetched {
  return { kind: 'found', bytes };
}
