import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Network } from '../net/network.ts';
import { clientAddress } from './client-address.ts';
import { BECAUSE_FIELD, errorPage, sendErrorPage } from './error-page.ts';
import type { Warden } from './warden.ts';

/** `/c/SITE/CLIENT` asks, `/a/SITE/CLIENT/BYTES` tells what a response took. */
const PATH = /^\/(?:c\/([^/?]{1,260})\/([^/?]{1,60})|a\/([^/?]{1,260})\/([^/?]{1,60})\/(\d{1,15}))$/;

/** Whoever asks here passes our answer on, and tells what is asked for in fields of the header. */
const FORWARDED = /^\/f(?:\?|$)/;

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

/**
 * Answer forward authentication, as Caddy and Traefik do it: the last address of X-Forwarded-For is that of the
 * connection they have, those before it count when that is a proxy of ours. The answer goes to the client as it is.
 */
function answerForwarded(
  { headers, method: asked = 'GET' }: IncomingMessage,
  response: ServerResponse,
  warden: Warden,
  trusted: readonly Network[],
): void {
  const forwardedFor = field(headers['x-forwarded-for']);
  const cut = forwardedFor.lastIndexOf(',');
  const peer = forwardedFor.slice(cut + 1).trim();
  const address = clientAddress(peer, forwardedFor.slice(0, Math.max(cut, 0)), trusted);
  const verdict = warden.admit(field(headers['x-forwarded-host']), address, {
    method: field(headers['x-forwarded-method']),
    path: field(headers['x-forwarded-uri']),
    userAgent: field(headers['user-agent']),
  });
  if (verdict.kind === 'serve') {
    response.writeHead(204).end();
    return;
  }
  response.setHeader(BECAUSE_FIELD, verdict.because);
  sendErrorPage(response, asked, errorPage({ ...verdict, accept: headers.accept }));
}

/**
 * Answers other servers that ask before they serve. nginx with `auth_request` gets 204 to go on, 403 with Retry-After
 * to refuse, as it knows no other code there; Caddy with `forward_auth` and Traefik with `forwardAuth` get 204 or the
 * error page. It holds nothing that could be changed, so whoever may ask may not administer.
 *
 * @param trusted  proxies of ours in front of who asks with X-Forwarded-For
 */
export function createDecisionServer(warden: Warden, trusted: readonly Network[]): Server {
  const server = createServer(
    { headersTimeout: 5000, requestTimeout: 5000, keepAliveTimeout: 60_000 },
    (request, response) => {
      request.resume();
      const url = request.url ?? '';
      if (FORWARDED.test(url)) {
        answerForwarded(request, response, warden, trusted);
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
  server.maxHeadersCount = 100;
  return server;
}
