import { AppError, ExitCode } from '../errors.ts';
import { addressClass } from '../net/address.ts';

/** A PostgreSQL server and a database of it. */
export type DatabaseServer = {
  /** Host name or address; the folder of its socket begins with a slash. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  /** Undefined for the name of the user that runs this. */
  readonly user: string | undefined;
  /** Null speaks without TLS: over a socket, loopback, or where that was asked for. */
  readonly tls: { readonly ca: string | undefined } | null;
};

/** Where shared stores lie. */
export type DatabasePlace = {
  readonly server: DatabaseServer;
  /** Asked for each connection. */
  readonly password?: () => string;
  /** Master key where none is named; the first machine makes it, the others get a copy. */
  readonly usualKeyFile: string;
  readonly masterKeyFile?: string | undefined;
  /** It is a credential of the service, in a folder that is private. */
  readonly isCredential?: boolean;
};

/** Whether a store is a database rather than a folder. */
export function isDatabaseUrl(text: string): boolean {
  return /^postgres(ql)?:/i.test(text);
}

/** Without the escapes of URLs; empty for what has wrong ones. */
function plain(text = ''): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

function unfit(flag: string, what: string, hint: string): AppError {
  return new AppError(`--${flag}: ${what}.`, { code: 'E_STORE_URL', exit: ExitCode.usage, hint });
}

const FORM = 'Write postgresql://USER@HOST/NAME, or postgresql:///NAME?host=/run/postgresql for a socket.';
const PARAMETERS: ReadonlySet<string> = new Set(['host', 'sslmode', 'sslrootcert']);

function tlsOf(flag: string, host: string, parameters: URLSearchParams): DatabaseServer['tls'] {
  const mode = parameters.get('sslmode');
  const ca = parameters.get('sslrootcert') ?? undefined;
  // Who does not look at the certificate hands password and secrets to whoever stands between.
  if (mode !== null && mode !== 'disable' && mode !== 'verify-full')
    throw unfit(flag, `sslmode is '${mode}'`, 'It is verify-full, as a rule, or disable.');
  if (mode === 'disable') return null;
  const near = host.startsWith('/') || host === 'localhost' || addressClass(host) === 'loopback';
  return near && mode === null && ca === undefined ? null : { ca };
}

/**
 * The database that a URL names, in the form of libpq. Other machines are reached over TLS with a certificate that is
 * checked, unless it says `sslmode=disable`.
 *
 * @param flag  that it was given with
 * @throws AppError E_STORE_URL (exit 64), E_SECRET_ARGV (exit 64) for one with a password, which is not repeated
 */
export function parseDatabaseUrl(text: string, flag = 'store'): DatabaseServer {
  // A URL without a host is none to the parser, though libpq has them.
  const whole = text.replace(/^(postgres(?:ql)?:\/\/(?:[^@/?#]*@)?)\//i, '$1localhost/');
  const url = URL.parse(whole);
  if (url?.password) {
    throw new AppError(`--${flag}: a password does not belong into a URL, which others can read.`, {
      code: 'E_SECRET_ARGV',
      exit: ExitCode.usage,
      hint: `Change it, and name a private file with --${flag}-password-file.`,
    });
  }
  const [database = '', user = ''] = [url?.pathname.slice(1), url?.username].map(plain);
  const odd = [...(url?.searchParams.keys() ?? [])].find((name) => !PARAMETERS.has(name));
  // What cannot be read may hold a password, and is not repeated.
  if (!url?.hostname || database === '' || database.includes('/') || url.hash)
    throw unfit(flag, 'it names no database', FORM);
  if (odd !== undefined)
    throw unfit(flag, `'${odd}' is not known here`, `There are ${[...PARAMETERS].join(', ')}.`);
  const socket = url.searchParams.get('host');
  if (socket !== null && (whole === text || !socket.startsWith('/')))
    throw unfit(flag, `the host is given twice`, FORM);
  const host = socket ?? url.hostname.replace(/^\[|\]$/g, '');
  return {
    host,
    port: Number(url.port || 5432),
    database,
    user: user || undefined,
    tls: tlsOf(flag, host, url.searchParams),
  };
}

/** A database as it is shown. */
export function nameOfDatabase({ host, port, database }: DatabaseServer): string {
  return host.startsWith('/')
    ? `postgresql:///${database}?host=${host}`
    : `postgresql://${host.includes(':') ? `[${host}]` : host}:${port}/${database}`;
}
