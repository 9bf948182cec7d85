import { isClient, type LogEntry, sizeOf } from './entry.ts';
import { createClfClock, epochMs, isoMs } from './time.ts';

type Fields = Readonly<Record<string, unknown>>;

/** What a log may call something, the first that it has counts. */
export type Names = readonly string[];

/** Names by nginx (its variables), Caddy (below `request`), Traefik (capitals), and what people use beside them. */
export const NAMES = {
  client: ['remote_addr', 'client_ip', 'remote_ip', 'ClientHost', 'ClientAddr', 'clientip', 'client'],
  time: ['StartUTC', 'time_iso8601', 'time_local', 'msec', 'ts', '@timestamp', 'timestamp', 'time'],
  bytes: ['bytes_sent', 'DownstreamContentSize', 'size', 'body_bytes_sent', 'bytes'],
  site: ['host', 'RequestHost', 'http_host', 'server_name', 'vhost'],
  status: ['status', 'DownstreamStatus'],
  request: ['request_uri', 'uri', 'RequestPath', 'path', 'request'],
  referer: ['http_referer', 'referer', 'referrer', 'request_Referer'],
  agent: ['http_user_agent', 'user_agent', 'agent', 'request_User-Agent'],
} as const satisfies Record<string, Names>;

/** What {@link NAMES} Caddy writes below `request`, and the fields of HTTP that it lists there below `headers`. */
export const BELOW_REQUEST = ['client', 'site', 'request'] as const;
export const HEADERS = { referer: 'Referer', agent: 'User-Agent' } as const;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The first member of those names that is a string or a number. */
function first(fields: Fields, names: Names): string | number | undefined {
  for (const name of names) {
    const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value))) return value;
  }
  return undefined;
}

/** A field of the request in Caddy's log: a list of values. */
function header(fields: Fields, name: string): string | undefined {
  const headers = fields['headers'];
  const values = isFields(headers) && Object.hasOwn(headers, name) ? headers[name] : undefined;
  return Array.isArray(values) && typeof values[0] === 'string' ? values[0] : undefined;
}

/** An address that has its port with it. */
export function withoutPort(client: string): string {
  return /^(?:\d{1,3}\.){3}\d{1,3}:\d+$/.test(client)
    ? client.slice(0, client.lastIndexOf(':'))
    : client.replace(/^\[(.*)\](?::\d+)?$/, '$1');
}

/** Reads objects, one a line, as nginx, Caddy and Traefik are made to write them. */
export function createJsonParser(): (line: string) => LogEntry | null {
  const clock = createClfClock();
  const timeOf = (value: string | number | undefined): number | null => {
    if (typeof value === 'number') return epochMs(value);
    if (value === undefined) return null;
    return (
      isoMs(value) ?? clock(value) ?? (/^\d{9,10}(?:\.\d+)?$/.test(value) ? epochMs(Number(value)) : null)
    );
  };
  return (line) => {
    let parsed: unknown;
    try {
      parsed = JSON.parse(line);
    } catch {
      return null;
    }
    if (!isFields(parsed)) return null;
    const inner = parsed['request'];
    const request: Fields = isFields(inner) ? inner : {};
    const client = withoutPort(String(first(request, NAMES.client) ?? first(parsed, NAMES.client) ?? ''));
    const timeMs = timeOf(first(parsed, NAMES.time));
    const bytes = sizeOf(String(first(parsed, NAMES.bytes) ?? '-'));
    if (timeMs === null || bytes === null || !isClient(client)) return null;
    const site = first(request, NAMES.site) ?? first(parsed, NAMES.site);
    const agent = header(request, HEADERS.agent) ?? first(parsed, NAMES.agent);
    return {
      timeMs,
      client,
      site: site === undefined ? null : String(site),
      bytes,
      status: Number(first(parsed, NAMES.status)) || 0,
      request: String(first(request, NAMES.request) ?? first(parsed, NAMES.request) ?? ''),
      referer: String(header(request, HEADERS.referer) ?? first(parsed, NAMES.referer) ?? ''),
      userAgent: agent === undefined ? null : String(agent),
    };
  };
}
