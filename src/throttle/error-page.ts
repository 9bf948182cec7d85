import type { ServerResponse } from 'node:http';
import { escapeMarkup } from '../markup.ts';
import type { RefusalStatus } from './site.ts';

/** What is said to a client that is refused. */
export type Refusal = {
  readonly status: RefusalStatus;
  /** Whole seconds until it may come again. */
  readonly retryAfter: number;
  readonly site: string;
  /** Who had too much: this client, or all clients together. */
  readonly because: 'client' | 'site';
  /** Accept of the request (RFC 9110 §12.5.1). */
  readonly accept: string | undefined;
};

export type ErrorPage = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** The field of a refusal that tells who had too much; in a log it tells refusals from what was served. */
export const BECAUSE_FIELD = 'X-Postern-Because';

function when(seconds: number): string {
  const [count, unit] = seconds > 90 ? [Math.ceil(seconds / 60), 'minute'] : [seconds, 'second'];
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

/** Whether somebody would rather have JSON: it is named, and HTML is not. */
function wantsJson(accept: string | undefined): boolean {
  return /\bapplication\/(?:[\w.-]+\+)?json\b/i.test(accept ?? '') && !/\btext\/html\b/i.test(accept ?? '');
}

function html({ site, retryAfter, because }: Refusal): string {
  const name = escapeMarkup(site.slice(0, 100));
  const title = because === 'client' ? 'Too many requests' : 'Very busy';
  const why =
    because === 'client'
      ? `Too much was asked of ${name} from your address. Nothing is wrong with your computer or your connection.`
      : `So many people ask for ${name} just now that not all can be answered.`;
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title}</title>
<h1>${title}</h1>
<p>${why}</p>
<p>Please come back in ${when(retryAfter)}.</p>
</html>
`;
}

/** The error page, less than a kilobyte, as it is sent to attackers: never kept by a cache, and with the time left. */
export function errorPage(refusal: Refusal): ErrorPage {
  const { status, retryAfter, accept, because } = refusal;
  const json = wantsJson(accept);
  const body = json
    ? `${JSON.stringify({ error: because === 'client' ? 'too many requests' : 'busy', retryAfter })}\n`
    : html(refusal);
  return {
    status,
    headers: {
      'retry-after': String(retryAfter),
      'cache-control': 'no-store',
      'content-type': json ? 'application/json' : 'text/html; charset=utf-8',
      'content-length': String(Buffer.byteLength(body)),
      'content-security-policy': "default-src 'none'",
      'x-content-type-options': 'nosniff',
      vary: 'accept',
    },
    body,
  };
}

/** Answer with the page. @param method  of the request; to HEAD only the header is sent */
export function sendErrorPage(response: ServerResponse, method: string, page: ErrorPage): void {
  response.writeHead(page.status, page.headers);
  response.end(method === 'HEAD' ? undefined : page.body);
}
