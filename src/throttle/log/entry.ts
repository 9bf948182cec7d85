/** One request, as an access log tells it. */
export type LogEntry = {
  /** Milliseconds since the epoch. */
  readonly timeMs: number;
  /** Address or host name of the client, as it is written. */
  readonly client: string;
  /** Name of the site; null where the log does not tell. */
  readonly site: string | null;
  /** Size of the response, in bytes; a log in common format counts the body only. */
  readonly bytes: number;
  readonly status: number;
  /** `GET /path HTTP/1.1`, or the path alone. */
  readonly request: string;
  readonly referer: string;
  /** Null where the log does not tell. */
  readonly userAgent: string | null;
};

/** What counts of a request when a log is simulated. */
export type Request = Pick<LogEntry, 'timeMs' | 'client' | 'site' | 'bytes'> & {
  /** Something that a page brings along, such as a picture. */
  readonly isAsset: boolean;
  /** It came from a page. */
  readonly isReferred: boolean;
  /** It came from a program that says so, or says nothing. */
  readonly isTool: boolean;
};

/** What a page brings along. */
const ASSET = /\.(?:css|m?js|png|jpe?g|gif|svg|webp|avif|ico|woff2?|ttf)(?:[? ]|$)/i;

const BROWSER = /^(?:Mozilla|Opera)\//;
const TOOL = /bot\b|crawl|spider|slurp|curl|wget|python|java\/|go-http|libwww|perl|scan|https?:\/\//i;

/** Whether a request, as it is written, asks for what a page brings along. */
export function isAsset(request: string): boolean {
  return ASSET.test(request);
}

/** Whether a program names itself that is no browser. */
export function isTool(userAgent: string): boolean {
  return !BROWSER.test(userAgent) || TOOL.test(userAgent);
}

/** Whether a referer is told. */
export function isReferred(referer: string): boolean {
  return referer !== '' && referer !== '-';
}

/** What counts of an entry. */
export function requestOf(entry: LogEntry): Request {
  const { timeMs, client, site, bytes, userAgent } = entry;
  return {
    timeMs,
    client,
    site,
    bytes,
    isAsset: isAsset(entry.request),
    isReferred: isReferred(entry.referer),
    isTool: userAgent !== null && isTool(userAgent),
  };
}

/** Longest name of a client that is taken. */
const LONGEST_NAME = 255;

/** Largest response that is believed: a petabyte. */
const LARGEST = 1e15;

/** Whether it can be the client of an entry: an address or a host name, nothing else. */
export function isClient(text: string): boolean {
  return text.length <= LONGEST_NAME && /^[0-9A-Za-z_.:-]+(?:%[\w.]+)?$/.test(text) && text !== '-';
}

/** A size as logs write it: `-` for none. @returns null when it is none */
export function sizeOf(text: string): number | null {
  if (text === '-') return 0;
  return /^\d{1,15}$/.test(text) && Number(text) <= LARGEST ? Number(text) : null;
}
