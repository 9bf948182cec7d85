import type { Warden } from '../warden.ts';

/**
 * Who decided about a request: nobody beforehand, so that the log is the count (`l`); the decision server, so that only
 * the bytes are new (`a`).
 */
export type Counting = 'l' | 'a';

/** One request, as the log of a web server tells it. */
export type Served = {
  readonly counting: Counting;
  /** The web server answered with the error page. */
  readonly refused: boolean;
  readonly address: string;
  readonly host: string;
  /** Bytes that left the server; what of the header is in it depends on the log. */
  readonly bytes: number;
  readonly method: string;
  readonly path: string;
  readonly userAgent: string;
};

/** Take one line of a log into account. */
export function takeIn(warden: Warden, entry: Served): void {
  const { counting, refused, host, address, bytes } = entry;
  if (counting === 'a') {
    if (!refused) warden.account(host, address, bytes, entry);
    return;
  }
  if (refused) return warden.noteRefused(host, address);
  warden.noteServed(host, address, bytes, entry);
}
