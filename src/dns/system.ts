import { isIP } from 'node:net';
import { AppError, ExitCode } from '../errors.ts';
import { parseDomain } from './names.ts';
import type { DnsServer } from './server.ts';

/** What the system says about its resolver; goes into `createStub` as it is. */
export type SystemDns = {
  readonly servers: readonly [DnsServer, ...DnsServer[]];
  /** Time for one question to one server. */
  readonly timeoutMs: number;
  /** So often that each server is asked `attempts` times. */
  readonly retries: number;
  readonly trustAd: boolean;
};

const DNS_PORT = 53;
const TLS_PORT = 853;
const MAX_NAMESERVERS = 3; // MAXNS of resolv.conf(5)

/**
 * Read a resolv.conf(5). Lines that make no sense are passed over, as libc does. `edns0` needs no reading:
 * we always ask with EDNS. The search list is not used: mail has fully qualified names.
 *
 * @param text  the content; the empty text stands for a file that is not there
 */
export function readResolvConf(text: string): SystemDns {
  const lines = text.split(/\r?\n/).map((line) => line.trim().split(/\s+/));
  const hosts = lines.flatMap(([word, host]) =>
    word === 'nameserver' && host !== undefined && isIP(host) !== 0 ? [host] : [],
  );
  const [first = '127.0.0.1', ...rest] = hosts.slice(0, MAX_NAMESERVERS);
  const options = lines.flatMap(([word, ...values]) => (word === 'options' ? values : []));
  const attempts = numberOption(options, 'attempts', { fallback: 2, most: 5 });
  return {
    servers: [plain(first), ...rest.map((host) => plain(host))],
    timeoutMs: numberOption(options, 'timeout', { fallback: 5, most: 30 }) * 1000,
    retries: attempts * (rest.length + 1) - 1,
    trustAd: options.includes('trust-ad'),
  };
}

/** The last one counts; 0 and nonsense are the fallback. The limits are those of libc. */
function numberOption(
  options: readonly string[],
  name: string,
  { fallback, most }: { readonly fallback: number; readonly most: number },
): number {
  const text = options.findLast((option) => option.startsWith(`${name}:`));
  const value = Number(text?.slice(name.length + 1));
  return Number.isInteger(value) && value > 0 ? Math.min(value, most) : fallback;
}

function plain(host: string): DnsServer {
  return { kind: 'plain', host, port: DNS_PORT };
}

/**
 * Read a value of `--resolver`: `HOST[:PORT]`, `[IPV6]:PORT`, `tls://HOST[:PORT][#NAME]` where NAME is the one
 * the certificate is for, or `https://HOST[:PORT][/PATH]` with `/dns-query` as the usual path. A HOST that is a
 * name is looked up by the system (`dns.lookup`) when it is first needed.
 *
 * @throws AppError `E_RESOLVER`, exit 64
 */
export function parseResolver(text: string): DnsServer {
  if (/^https:\/\//i.test(text)) return parseHttps(text);
  if (/^tls:\/\//i.test(text)) return parseTls(text);
  if (text.includes('://')) throw wrongResolver(text, 'knows only tls:// and https://');
  const { host, port } = parseHostPort(text, text, DNS_PORT);
  return { kind: 'plain', host, port };
}

function parseTls(text: string): DnsServer {
  const [address = '', name, ...more] = text.slice('tls://'.length).split('#');
  if (more.length > 0) throw wrongResolver(text, 'has more than one #');
  const { host, port } = parseHostPort(text, address, TLS_PORT);
  return { kind: 'tls', host, port, name: name === undefined ? null : parseHost(text, name) };
}

function parseHttps(text: string): DnsServer {
  const url = URL.parse(text);
  if (url === null) throw wrongResolver(text, 'is not a URL');
  if (url.username !== '' || url.password !== '') throw wrongResolver(text, 'holds a user name');
  if (url.hash !== '' || /%7b/i.test(url.href)) throw wrongResolver(text, 'holds more than an address');
  if (url.pathname === '/' && url.search === '') url.pathname = '/dns-query';
  return { kind: 'https', url: url.href };
}

function parseHostPort(text: string, address: string, usual: number): { host: string; port: number } {
  if (isIP(address) !== 0) return { host: address, port: usual }; // IPv6 without brackets included
  const parts = /^(?:\[(?<v6>[^\]]*)\]|(?<host>[^:[\]]*))(?::(?<port>\d{1,5}))?$/.exec(address)?.groups;
  if (parts === undefined) throw wrongResolver(text, 'is not HOST or HOST:PORT');
  const { v6, host = '', port = String(usual) } = parts;
  if (v6 !== undefined && isIP(v6) !== 6) throw wrongResolver(text, 'has no IPv6 address in its brackets');
  if (Number(port) < 1 || Number(port) > 65_535) throw wrongResolver(text, 'has a port that does not exist');
  return { host: v6 ?? parseHost(text, host), port: Number(port) };
}

function parseHost(text: string, host: string): string {
  if (isIP(host) !== 0) return host;
  const name = parseDomain(host);
  if (name.kind === 'invalid') throw wrongResolver(text, `has a host that ${name.reason}`);
  return name.ascii;
}

function wrongResolver(text: string, reason: string): AppError {
  return new AppError(`The DNS server "${text}" ${reason}.`, {
    code: 'E_RESOLVER',
    exit: ExitCode.usage,
    hint: 'Give it as 192.0.2.1, 192.0.2.1:5353, [2001:db8::1]:53, tls://dns.example#name or https://dns.example/dns-query.',
  });
}
