import { readFileSync } from 'node:fs';
import type { Interfaces } from '@oclif/core';
import { parseResolver, readResolvConf } from '../dns/system.ts';
import type { Resolver } from '../dns/types.ts';
import { AppError, ExitCode } from '../errors.ts';
import type { dnsFlags, smtpFlags } from './flags.ts';
import { readWhole } from './input.ts';
import { fileOutput } from './output.ts';

type DnsFlags = Interfaces.InferredFlags<typeof dnsFlags>;
type SmtpFlags = Interfaces.InferredFlags<typeof smtpFlags>;

/** A resolver for one run, and what has to be done when the run is over. */
export type DnsWorld = {
  readonly dns: Resolver;
  /** Closes connections and writes what `--dns-record` asks for. */
  finish(): void;
};

/** Largest file of recorded answers, in bytes. */
const MAX_RECORDED = 64_000_000;

function systemConf(): string {
  try {
    return readFileSync('/etc/resolv.conf', 'utf8');
  } catch {
    return '';
  }
}

async function readRecorded(file: string): Promise<unknown> {
  const bytes = await readWhole(file, MAX_RECORDED);
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new AppError(`--dns-cache: '${file}' is not JSON: ${(cause as Error).message}.`, {
      code: 'E_DNS_CACHE',
      exit: ExitCode.input,
      hint: '--dns-record writes such a file.',
      cause,
    });
  }
}

type ResolverFlags = DnsFlags & Pick<SmtpFlags, 'timeout-dns'> & { ca?: string | undefined };

/** What asks the network; not even loaded where it must not (`--offline`). */
async function openStub(flags: ResolverFlags, signal: AbortSignal) {
  const named = flags.resolver === undefined ? null : parseResolver(flags.resolver);
  if (flags.offline) return null;
  const system = readResolvConf(named === null ? systemConf() : '');
  const ca = flags.ca === undefined ? [] : [readPem(flags.ca)];
  const { createStub } = await import('../dns/stub.ts');
  return createStub({
    servers: named === null ? system.servers : [named],
    timeoutMs: flags['timeout-dns'],
    retries: system.retries,
    trustAd: flags['trust-ad'] || system.trustAd,
    ca,
    signal,
  });
}

/** The resolver that the flags describe. */
export async function openDns(flags: ResolverFlags, signal: AbortSignal): Promise<DnsWorld> {
  const stub = await openStub(flags, signal);
  const { offlineResolver, recordedResolver, recorder } = await import('../dns/recorded.ts');
  const live = stub ?? undefined;
  const source: Resolver =
    flags['dns-cache'] === undefined
      ? (live ?? offlineResolver())
      : recordedResolver(await readRecorded(flags['dns-cache']), live);
  const file = flags['dns-record'];
  if (file === undefined) return { dns: source, finish: () => stub?.close() };
  const sink = fileOutput(file);
  const resolver = flags.resolver ?? 'system';
  const tape = recorder(source, { recorded: new Date().toISOString(), resolver });
  return {
    dns: tape,
    finish: () => {
      stub?.close();
      sink.write(`${JSON.stringify(tape.toJSON(), null, 1)}\n`);
      sink.finish();
    },
  };
}

/** Certificates of a file, for `--ca`. */
export function readPem(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw wrongPem(file, (cause as NodeJS.ErrnoException).code ?? 'cannot be read', cause);
  }
  if (!text.includes('-----BEGIN CERTIFICATE-----')) throw wrongPem(file, 'no certificate in PEM form');
  return text;
}

function wrongPem(file: string, reason: string, cause?: unknown): AppError {
  return new AppError(`--ca: cannot use '${file}': ${reason}.`, {
    code: 'E_CA',
    exit: ExitCode.usage,
    hint: 'It takes a file with certificates in PEM form.',
    cause,
  });
}
