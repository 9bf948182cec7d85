import type { Decided, Warden } from '../warden.ts';

/**
 * Who decided about a request: nobody beforehand, so that the log is the count (`l`); the decision server, so that only
 * the bytes are new (`a`); the web server by itself, so that it tells what it decided (`n`).
 */
export type Counting = 'l' | 'a' | 'n';

/** One request, as the log of a web server tells it. */
export type Served = {
  readonly counting: Counting;
  /** The web server answered with the error page. */
  readonly refused: boolean;
  /** What the web server decided by itself, as it wrote it; see {@link decidedOf}. */
  readonly verdict?: string;
  readonly address: string;
  readonly host: string;
  /** Bytes that left the server; what of the header is in it depends on the log. */
  readonly bytes: number;
  readonly method: string;
  readonly path: string;
  readonly userAgent: string;
};

const KINDS = {
  f: 'free',
  d: 'would refuse',
  D: 'would refuse',
  B: 'served',
  r: 'refused',
  R: 'refused',
  b: 'over budget',
} as const;

/**
 * What a web server decided: a letter for what became of the request, a capital where a block began with it, and until
 * when the block holds.
 */
function decidedOf(verdict: string): Decided {
  const [, letter = '', until = ''] = /^([fdDBrRb])(?: (\d{1,15}))?$/.exec(verdict) ?? [];
  const kind = KINDS[letter as keyof typeof KINDS] ?? 'served';
  const hasBlock = until !== '' && kind !== 'over budget';
  return { kind, limit: letter === 'B' ? 'bytes' : 'requests', untilMs: hasBlock ? Number(until) : null };
}

/** Take one line of a log into account. */
export function takeIn(warden: Warden, entry: Served): void {
  const { counting, refused, host, address, bytes } = entry;
  if (counting === 'a') {
    if (!refused) warden.account(host, address, bytes, entry);
    return;
  }
  if (counting === 'n')
    return warden.noteDecided(host, address, bytes, decidedOf(entry.verdict ?? ''), entry);
  if (refused) return warden.noteRefused(host, address);
  warden.noteServed(host, address, bytes, entry);
}
