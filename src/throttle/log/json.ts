import { isClient, type LogEntry, sizeOf } from './entry.ts';
import { createClfClock, epochMs, isoMs } from './time.ts';

type Fields = Readonly<Record<string, unknown>>;

// Names by nginx (its variables), Caddy (below `request`), Traefik (capitals), and what people use beside them.
const CLIENT = ['remote_addr', 'client_ip', 'remote_ip', 'ClientHost', 'ClientAddr', 'clientip', 'client'];
const TIME = ['StartUTC', 'time_iso8601', 'time_local', 'msec', 'ts', '@timestamp', 'timestamp', 'time'];
const BYTES = ['bytes_sent', 'DownstreamContentSize', 'size', 'body_bytes_sent', 'bytes'];
const SITE = ['host', 'RequestHost', 'http_host', 'server_name', 'vhost'];
const STATUS = ['status', 'DownstreamStatus'];
const REQUEST = ['request_uri', 'uri', 'RequestPath', 'path', 'request'];
const REFERER = ['http_referer', 'referer', 'referrer', 'request_Referer'];
const AGENT = ['http_user_agent', 'user_agent', 'agent', 'request_User-Agent'];

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The first member of those names that is a string or a number. */
function first(fields: Fields, names: readonly string[]): string | number | undefined {
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
function withoutPort(client: string): string {
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
    const client = withoutPort(String(first(request, CLIENT) ?? first(parsed, CLIENT) ?? ''));
    const timeMs = timeOf(first(parsed, TIME));
    const bytes = sizeOf(String(first(parsed, BYTES) ?? '-'));
    if (timeMs === null || bytes === null || !isClient(client)) return null;
    const site = first(request, SITE) ?? first(parsed, SITE);
    const agent = header(request, 'User-Agent') ?? first(parsed, AGENT);
    return {
      timeMs,
      client,
      site: site === undefined ? null : String(site),
      bytes,
      status: Number(first(parsed, STATUS)) || 0,
      request: String(first(request, REQUEST) ?? first(parsed, REQUEST) ?? ''),
      referer: String(header(request, 'Referer') ?? first(parsed, REFERER) ?? ''),
      userAgent: agent === undefined ? null : String(agent),
    };
  };
}
