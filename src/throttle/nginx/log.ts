/**
 * Who decided about a request: nobody beforehand, so that the log is the count (`l`); the decision server, so that only
 * the bytes are new (`a`).
 */
export type Counting = 'l' | 'a';

/** One request as nginx logs it in our format. */
export type NginxEntry = {
  readonly counting: Counting;
  /** nginx answered with the error page. */
  readonly refused: boolean;
  readonly address: string;
  readonly host: string;
  /** Bytes that left the server, header included. */
  readonly bytes: number;
  readonly method: string;
  readonly path: string;
  readonly userAgent: string;
};

/** First in every line, so that another format is told from ours. */
const VERSION = 'postern1';

/**
 * The format, as it stands in the configuration. nginx writes quotes, backslashes and control characters in a header
 * as \xNN, so nothing a client sends is a tab or ends a line.
 *
 * @param refusal  what is not empty in a request that was refused
 */
export function logFormat(counting: Counting, refusal: string): string {
  const tail = [
    '$remote_addr',
    '$host',
    '$bytes_sent',
    '$request_method',
    '$request_uri',
    '$http_user_agent',
  ];
  return [VERSION, counting, refusal, ...tail].join('\\t');
}

/** A line of the log, without its end; null when it is none of ours. */
export function parseNginxLine(line: string): NginxEntry | null {
  const fields = line.split('\t');
  const [version, counting, refusal, address, host, bytes, method, path, userAgent] = fields;
  if (version !== VERSION || fields.length !== 9 || (counting !== 'l' && counting !== 'a')) return null;
  if (address === undefined || host === undefined || !/^\d{1,15}$/.test(bytes ?? '')) return null;
  return {
    counting,
    refused: refusal !== '' && refusal !== '-',
    address,
    host,
    bytes: Number(bytes),
    method: method ?? '',
    path: path ?? '',
    userAgent: userAgent === '-' ? '' : (userAgent ?? ''),
  };
}
