import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Most rows of a page. */
export const MAX_ROWS = 5000;

/** A row as a webmail has it: a box to tick, a hidden field, who, what, when. */
const rowOf = (number: number) =>
  `<tr><td><input type="checkbox" name="m${number}"><input type="hidden" name="t${number}" value="x"></td>` +
  `<td><a href="#${number}">sender${number}@example.org</a></td><td>Subject of message ${number}</td><td>12:00</td></tr>`;

/**
 * Measures from within the page: a clock that ticks every 4 ms shows by its gaps how long nothing else could run. It
 * begins when the page has appeared, and ends when nothing stalled for a second.
 */
const CLOCK = `addEventListener('load', () => {
  const begin = performance.now();
  let last = begin, longest = 0, lastStall = begin;
  const tick = () => {
    const now = performance.now();
    const gap = now - last;
    if (gap > longest) longest = gap;
    if (gap > 50) lastStall = now;
    last = now;
    if (now - lastStall > 1000 || now - begin > 120000)
      document.documentElement.dataset.longestMs = String(Math.max(0, longest - 4));
    else setTimeout(tick, 0);
  };
  setTimeout(tick, 0);
});`;

/** A page that looks to an extension as a webmail’s list of messages does. */
export function mailboxPage(rows: number): string {
  const list = Array.from({ length: rows }, (_, index) => rowOf(index + 1)).join('');
  return `<!doctype html><html><head><meta charset="utf-8"><title>Inbox</title><script>${CLOCK}</script></head>
<body><form><input name="search"><input name="user"><input type="password" name="pass"><table>${list}</table></form></body></html>`;
}

/** Serves such pages on loopback, at `/ROWS`. */
export async function serveMailbox(): Promise<{
  readonly url: (rows: number) => string;
  readonly close: () => void;
}> {
  const server = createServer((request, response) => {
    const rows = Number(/^\/(\d{1,4})\b/.exec(request.url ?? '')?.[1] ?? 0);
    response.setHeader('content-type', 'text/html; charset=utf-8').setHeader('cache-control', 'no-store');
    response.end(mailboxPage(Math.min(rows, MAX_ROWS)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: (rows) => `http://127.0.0.1:${port}/${rows}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
