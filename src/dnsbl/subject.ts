import { getDomain } from 'tldts';
import { parseDomain, reverseName } from '../dns/names.ts';
import { AppError, ExitCode } from '../errors.ts';
import { addressClass, parseAddress } from '../net/address.ts';
import type { DnsList, Subject } from './types.ts';

/**
 * Read an address or a domain.
 *
 * @param own  private and loopback addresses as well, for a list of one's own
 * @throws AppError E_TARGET (exit 64) for what is neither, and for an address that no public list can know
 */
export function parseSubject(text: string, own = false): Subject {
  const address = parseAddress(text.trim().replace(/^\[(?:IPv6:)?(.*)\]$/i, '$1'));
  if (address === null) return domainSubject(text.trim());
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address.text)?.[1];
  const bare = mapped ?? address.text;
  const kind = addressClass(bare);
  // Those of documentation belong to nobody and are asked about in laboratories.
  if (!own && kind !== 'public' && kind !== 'documentation')
    throw wrongTarget(`${bare} is a ${kind} address: no public list can know it.`);
  return { kind: address.family === 4 || mapped !== undefined ? 'ipv4' : 'ipv6', text: bare };
}

function domainSubject(text: string): Subject {
  const domain = parseDomain(text, { underscores: true });
  if (domain.kind === 'name') return { kind: 'domain', text: domain.ascii };
  throw wrongTarget(`'${text}' ${domain.reason}.`);
}

function wrongTarget(message: string): AppError {
  return new AppError(message, {
    code: 'E_TARGET',
    exit: ExitCode.usage,
    hint: 'Give a public IP address or a domain.',
  });
}

/** @returns the labels that stand for a subject before a list's zone (RFC 5782 §2) */
export function labelsOf(subject: Subject, { registered = false }: DnsList): string {
  if (subject.kind === 'domain')
    return registered
      ? (getDomain(subject.text, { allowPrivateDomains: true }) ?? subject.text)
      : subject.text;
  return (reverseName(subject.text) ?? '').replace(/\.(?:in-addr|ip6)\.arpa$/, '');
}
