import { hostname } from 'node:os';
import type { SecureContext } from 'node:tls';
import type { Interfaces } from '@oclif/core';
import { parseDomain } from '../dns/names.ts';
import { AppError, ExitCode } from '../errors.ts';
import { dialTcp } from '../net/dial.ts';
import type { SmtpTimeouts } from '../smtp/connection.ts';
import { clientContext } from '../smtp/tls.ts';
import type { dnsFlags, smtpFlags } from './flags.ts';
import { readPem } from './open-dns.ts';

export { openDns } from './open-dns.ts';

type DnsFlags = Interfaces.InferredFlags<typeof dnsFlags>;
type SmtpFlags = Interfaces.InferredFlags<typeof smtpFlags>;

/** The name for EHLO: as given, else this host's if it is a full one, else null for an address literal. */
function ehloName(given: string | undefined): string | null {
  const name = given ?? hostname();
  if (given !== undefined && /^\[[\w:.]+\]$/.test(given)) return given;
  const parsed = parseDomain(name);
  if (parsed.kind === 'name' && (given !== undefined || parsed.ascii.includes('.'))) return parsed.ascii;
  if (given === undefined) return null;
  throw new AppError(`--ehlo: '${given}' is no host name.`, {
    code: 'E_EHLO',
    exit: ExitCode.usage,
    hint: 'Give the full name of this host, such as mail.example.org.',
  });
}

function timeouts(flags: SmtpFlags): SmtpTimeouts {
  return {
    connectMs: flags['timeout-connect'],
    bannerMs: flags['timeout-banner'],
    commandMs: flags['timeout-command'],
    tlsMs: flags['timeout-tls'],
    totalMs: flags['timeout-total'],
  };
}

/** What the flags say about speaking SMTP. */
export function smtpWorld(flags: SmtpFlags & DnsFlags) {
  const ca = flags.ca === undefined ? undefined : readPem(flags.ca);
  let lax: SecureContext | undefined;
  return {
    dial: dialTcp,
    context: clientContext(ca),
    laxContext: () => {
      lax ??= clientContext(ca, { anonymous: true });
      return lax;
    },
    timeouts: timeouts(flags),
    ehlo: ehloName(flags.ehlo),
    now: () => Date.now(),
    port: flags.port,
    allowPrivate: flags['allow-private'],
    offline: flags.offline,
  };
}
