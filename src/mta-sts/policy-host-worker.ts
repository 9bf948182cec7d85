// Runs in a thread of its own, see policy-host.ts: everything changed here (the look-up of names, the list of
// authorities) is changed for this thread alone.
import dns from 'node:dns';
import { isIP } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { parentPort, workerData } from 'node:worker_threads';
import {
  ASKED_VERSIONS,
  type AskedVersion,
  type PolicyHostAnswer,
  type PolicyHostQuestion,
} from './policy-host.ts';

type Found = { readonly address: string; readonly family: number };
type LookupOptions = { readonly all?: boolean };
type LookupCallback = (error: Error | null, found: string | readonly Found[], family?: number) => void;

/** `net.connect` calls `dns.lookup`; whatever it asks for, there is one address. */
function answerOnly(ip: string): void {
  const family = isIP(ip);
  const lookup = (_name: string, options: LookupOptions | LookupCallback, callback?: LookupCallback) => {
    const done = typeof options === 'function' ? options : callback;
    if (typeof options === 'object' && options.all) done?.(null, [{ address: ip, family }]);
    else done?.(null, ip, family);
  };
  dns.lookup = lookup as unknown as typeof dns.lookup;
}

/**
 * The server, or OpenSSL for both, ended the handshake because of the version. All else (no connection, a certificate
 * that will not do: then tls-check keeps the version to itself) tells nothing about it.
 */
const REFUSED = /^ERR_SSL_|^ECONNRESET$|^EPROTO$/;

function answerOf(error: unknown): PolicyHostAnswer['answer'] {
  const { code = '' } = Object(error) as { code?: string };
  return REFUSED.test(code) ? 'refused' : 'unknown';
}

const { host, ip, port, ca } = workerData as PolicyHostQuestion;
answerOnly(ip);
setDefaultCACertificates([...getCACertificates('default'), ...ca]);
const { default: tlsCheck } = await import('tls-check');

async function check(version: AskedVersion): Promise<void> {
  const answer = await tlsCheck({ hostname: host, port, version }).then(() => 'offered' as const, answerOf);
  parentPort?.postMessage({ version, answer } satisfies PolicyHostAnswer);
}

for (const version of ASKED_VERSIONS) await check(version);
