import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Network } from '../net/network.ts';
import { clientAddress } from './client-address.ts';
import { BECAUSE_FIELD, errorPage, sendErrorPage } from './error-page.ts';
import type { Warden } from './warden.ts';

/** `/c/SITE/CLIENT` asks, `/a/SITE/CLIENT/BYTES` tells what a response took. */
const PATH = /^\/(?:c\/([^/?]{1,260})\/([^/?]{1,60})|a\/([^/?]{1,260})\/([^/?]{1,60})\/(\d{1,15}))$/;

/**
 * Whoever asks here passes our answer on to the client. Traefik tells what is asked for in fields of the header (`/f`),
 * Caddy in the query (`/q?by=…&for=…&host=…&method=…&uri=…`), as there fields that a client sends could crowd them out.
 */
const PASSED_ON = /^\/([fq])(?:\?|$)/;

/** Longest header with its request line, in bytes: an address of a page may be three times as long in a query. */
const LONGEST_HEADER = 65_536;

/** Most fields of it. Caddy hands on what a client sends, and whoever sends more is told 431. */
const MOST_FIELDS = 500;

function text(value: string | undefined): string {
  try {
    return decodeURIComponent(value ?? '');
  } catch {
    return '';
  }
}

function field(value: string | string[] | undefined): string {
  return typeof value === 'string' ? value : '';
}

/** What a server tells that passes the answer on. */
type Question = {
  /** Address of the connection that it has. */
  readonly peer: string;
  /** X-Forwarded-For as it came. */
  readonly forwardedFor: string;
  readonly host: string;
  readonly method: string;
  readonly path: string;
};

/** The last address of X-Forwarded-For is that of the connection. */
function questionInFields({ headers }: IncomingMessage): Question {
  const list = field(headers['x-forwarded-for']);
  const cut = list.lastIndexOf(',');
  return {
    peer: list.slice(cut + 1).trim(),
    forwardedFor: list.slice(0, Math.max(cut, 0)),
    host: field(headers['x-forwarded-host']),
    method: field(headers['x-forwarded-method']),
    path: field(headers['x-forwarded-uri']),
  };
}

function questionInQuery(url: string): Question {
  const query = new URLSearchParams(url.slice(url.indexOf('?')));
  return {
    peer: query.get('by') ?? '',
    forwardedFor: query.get('for') ?? '',
    host: query.get('host') ?? '',
    method: query.get('method') ?? '',
    path: query.get('uri') ?? '',
  };
}

/**
 * Answers other servers that ask before they serve. nginx with `auth_request` gets 204 to go on, 403 with Retry-After
 * to refuse, as it knows no other code there; Caddy with `forward_auth` and Traefik with `forwardAuth` get 204 or the
 * error page. It holds nothing that could be changed, so whoever may ask may not administer.
 *
 * @param trusted  proxies of ours in front of who asks with X-Forwarded-For
 * @param onError  hears of questions without an address, as whoever asks so throttles nobody
 */
export function createDecisionServer(
  warden: Warden,
  trusted: readonly Network[],
  onError: (error: unknown) => void,
): Server {
  const answerPassedOn = (
    { peer, forwardedFor, ...original }: Question,
    { method = 'GET', headers }: IncomingMessage,
    response: ServerResponse,
  ) => {
    if (peer === '') onError(new Error('The decision server was asked about a client without an address.'));
    const address = clientAddress(peer, forwardedFor, trusted);
    const userAgent = headers['user-agent'] ?? '';
    const verdict = warden.admit(original.host, address, { ...original, userAgent });
    if (verdict.kind === 'serve') {
      response.writeHead(204).end();
      return;
    }
    response.setHeader(BECAUSE_FIELD, verdict.because);
    sendErrorPage(response, method, errorPage({ ...verdict, accept: headers.accept }));
  };
  const server = createServer(
    {
      headersTimeout: 5000,
      requestTimeout: 5000,
      keepAliveTimeout: 60_000,
      maxHeaderSize: LONGEST_HEADER,
    },
    (request, response) => {
      request.resume();
      const url = request.url ?? '';
      const [, kind] = PASSED_ON.exec(url) ?? [];
      if (kind !== undefined) {
        const question = kind === 'q' ? questionInQuery(url) : questionInFields(request);
        answerPassedOn(question, request, response);
        return;
      }
      const [, site, client, ofSite, ofClient, bytes] = PATH.exec(url) ?? [];
      const original = {
        method: field(request.headers['x-original-method']),
        path: field(request.headers['x-original-uri']),
        userAgent: field(request.headers['user-agent']),
      };
      if (bytes !== undefined) {
        warden.account(text(ofSite), text(ofClient), Number(bytes), original);
        response.writeHead(204).end();
        return;
      }
      if (site === undefined) {
        response.writeHead(404).end();
        return;
      }
      const verdict = warden.admit(text(site), text(client), original);
      if (verdict.kind === 'serve') response.writeHead(204).end();
      else
        response
          .writeHead(403, {
            'retry-after': String(verdict.retryAfter),
            'x-postern-status': String(verdict.status),
            'x-postern-because': verdict.because,
            'content-length': '0',
          })
          .end();
    },
  );
  server.maxHeadersCount = MOST_FIELDS;
  return server;
}
