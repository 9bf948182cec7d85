import { createServer, type Server } from 'node:http';
import type { Warden } from './warden.ts';

/** `/c/SITE/CLIENT` asks, `/a/SITE/CLIENT/BYTES` tells what a response took. */
const PATH = /^\/(?:c\/([^/?]{1,260})\/([^/?]{1,60})|a\/([^/?]{1,260})\/([^/?]{1,60})\/(\d{1,15}))$/;

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
 * Answers other servers that ask before they serve, such as nginx with `auth_request`, Caddy with `forward_auth`:
 * 204 to go on, 403 with Retry-After to refuse (nginx knows no other code there). It holds nothing that could be
 * changed, so whoever may ask may not administer.
 */
export function createDecisionServer(warden: Warden): Server {
  const server = createServer(
    { headersTimeout: 5000, requestTimeout: 5000, keepAliveTimeout: 60_000 },
    (request, response) => {
      request.resume();
      const [, site, client, ofSite, ofClient, bytes] = PATH.exec(request.url ?? '') ?? [];
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
