import type { Network } from '../../net/network.ts';
import { clientAddress } from '../client-address.ts';
import { BECAUSE_FIELD } from '../error-page.ts';
import { sizeOf } from '../log/entry.ts';
import type { Served } from './entry.ts';

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** A size in bytes; null for anything else. */
function size(value: unknown): number | null {
  return typeof value === 'number' ? sizeOf(String(value)) : null;
}

/** A field of HTTP as Caddy logs it: a list of values below its name. */
function field(headers: unknown, name: string): string | undefined {
  const values = isFields(headers) && Object.hasOwn(headers, name) ? headers[name] : undefined;
  return Array.isArray(values) ? values.join(',') : undefined;
}

/**
 * Caddy logs the connection, so the client is found as by the decision server. `size` is what it sent of the body. A
 * refusal is told by the field that only the error page has.
 */
function ofCaddy(parsed: Fields, request: Fields, trusted: readonly Network[]): Served | null {
  const bytes = size(parsed['size']);
  const peer = text(request['remote_ip']);
  if (bytes === null || peer === '') return null;
  return {
    counting: 'a',
    refused: field(parsed['resp_headers'], BECAUSE_FIELD) !== undefined,
    address: clientAddress(peer, field(request['headers'], 'X-Forwarded-For'), trusted),
    host: text(request['host']),
    bytes,
    method: text(request['method']),
    path: text(request['uri']),
    userAgent: field(request['headers'], 'User-Agent') ?? '',
  };
}

/** The address of `HOST:PORT`, where an IPv6 address stands in brackets. */
function withoutPort(place: string): string {
  return place.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
}

/**
 * Traefik has the connection as `ClientAddr`, and X-Forwarded-For as `ClientHost` where its entry point believed it.
 * Fields of HTTP stand there when the configuration keeps them.
 */
function ofTraefik(parsed: Fields, trusted: readonly Network[]): Served | null {
  const bytes = size(parsed['DownstreamContentSize']);
  const peer = withoutPort(text(parsed['ClientAddr']));
  if (bytes === null || peer === '') return null;
  const host = text(parsed['ClientHost']);
  return {
    counting: 'a',
    refused: text(parsed[`downstream_${BECAUSE_FIELD}`]) !== '',
    address: clientAddress(peer, host === peer ? undefined : host, trusted),
    host: text(parsed['RequestHost']),
    bytes,
    method: text(parsed['RequestMethod']),
    path: text(parsed['RequestPath']),
    userAgent: text(parsed['request_User-Agent']),
  };
}

/**
 * A line of the access log of Caddy or Traefik, as the configurations that are written for them have it; both ask
 * before they serve.
 *
 * @param line  bytes as characters
 * @returns null when it is none
 */
export function parseJsonLine(line: string, trusted: readonly Network[]): Served | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(line, 'latin1').toString());
  } catch {
    return null;
  }
  if (!isFields(parsed)) return null;
  const { request } = parsed;
  return isFields(request) ? ofCaddy(parsed, request, trusted) : ofTraefik(parsed, trusted);
}
