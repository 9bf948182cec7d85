import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

// A validation service, protocol 2.0, that takes every OTP once and can be told to misbehave. It shares no code with
// the client.

/** What it says instead of the truth. */
export type Misdeed =
  | { readonly status: string }
  | { readonly http: number }
  | { readonly body: string }
  | { readonly change: (lines: Map<string, string>) => void }
  | 'silent'
  | 'hang up'
  /** Accepts an OTP as often as it comes. */
  | 'forgetful';

export type Peer = {
  readonly url: string;
  readonly apiKey: string;
  readonly seen: string[];
  misdeed: Misdeed | null;
  readonly close: () => Promise<void>;
};

function sign(lines: ReadonlyMap<string, string>, key: string): string {
  const text = [...lines]
    .sort(([one], [two]) => (one < two ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
  return createHmac('sha1', Buffer.from(key, 'base64')).update(text).digest('base64');
}

/** @param counters  what it tells of an OTP; it does not decrypt */
export async function startPeer(
  counters: (otp: string) => readonly [use: number, session: number] = () => [1, 0],
): Promise<Peer> {
  const spent = new Set<string>();
  const apiKey = Buffer.from('0123456789abcdefghij').toString('base64');
  const answer = (query: URLSearchParams): Map<string, string> => {
    const otp = query.get('otp') ?? '';
    const nonce = query.get('nonce') ?? '';
    const given = new Map([...query].filter(([name]) => name !== 'h'));
    const lines = new Map([['t', '2026-11-25T08:00:00Z0123']]);
    if (query.has('h') && query.get('h') !== sign(given, apiKey)) return lines.set('status', 'BAD_SIGNATURE');
    lines.set('otp', otp).set('nonce', nonce).set('sl', '100');
    if (spent.has(otp) && peer.misdeed !== 'forgetful') return lines.set('status', 'REPLAYED_OTP');
    spent.add(otp);
    const [use, session] = counters(otp);
    if (query.get('timestamp') === '1')
      lines.set('timestamp', '77').set('sessioncounter', String(use)).set('sessionuse', String(session));
    return lines.set('status', 'OK');
  };
  const respond = (request: IncomingMessage, response: ServerResponse) => {
    const query = new URL(request.url ?? '/', 'http://peer').searchParams;
    peer.seen.push(query.get('nonce') ?? '');
    const { misdeed } = peer;
    if (misdeed === 'silent') return;
    if (misdeed === 'hang up') return void request.socket.destroy();
    if (typeof misdeed === 'object' && misdeed && 'http' in misdeed) {
      response.writeHead(misdeed.http).end();
      return;
    }
    if (typeof misdeed === 'object' && misdeed && 'body' in misdeed) {
      response.end(misdeed.body);
      return;
    }
    const lines = answer(query);
    if (typeof misdeed === 'object' && misdeed && 'status' in misdeed) lines.set('status', misdeed.status);
    lines.set('h', sign(lines, apiKey));
    if (typeof misdeed === 'object' && misdeed && 'change' in misdeed) misdeed.change(lines);
    response.setHeader('content-type', 'text/plain');
    response.end(`${[...lines].map(([name, value]) => `${name}=${value}\r\n`).join('')}\r\n`);
  };
  const server = createServer(respond);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const peer: Peer = {
    url: `http://127.0.0.1:${port}/wsapi/2.0/verify`,
    apiKey,
    seen: [],
    misdeed: null,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return peer;
}
