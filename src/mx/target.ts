import { parseDomain } from '../dns/names.ts';
import { AppError, ExitCode } from '../errors.ts';
import { canonicalAddress } from '../net/address.ts';

/** What `mx probe` is asked about. */
export type Target =
  /** A domain (or host without MX records, which is its own exchanger), in A-labels. */
  | { readonly kind: 'domain'; readonly text: string; readonly domain: string }
  /** One server by its address. */
  | { readonly kind: 'address'; readonly text: string; readonly ip: string };

/**
 * Read a target: a domain, a mail address (its domain), an IP address or address literal such as
 * `[192.0.2.1]` or `[IPv6:2001:db8::1]`. What people paste is understood: a URL's host, `mailto:`.
 *
 * @throws AppError E_TARGET (exit 64) when it is none of these
 */
export function parseTarget(text: string): Target {
  const pasted = text.trim().replace(/^mailto:/i, '');
  const host = /^https?:\/\/([^/?#@]+)/i.exec(pasted)?.[1]?.replace(/:\d+$/, '') ?? pasted;
  const after = host.slice(host.lastIndexOf('@') + 1).replace(/>$/, '');
  const ip = canonicalAddress(after.replace(/^\[(?:IPv6:)?(.*)\]$/i, '$1'));
  if (ip) return { kind: 'address', text, ip };
  const name = parseDomain(after);
  if (name.kind === 'name') return { kind: 'domain', text, domain: name.ascii };
  throw new AppError(`'${text}' ${name.reason}.`, {
    code: 'E_TARGET',
    exit: ExitCode.usage,
    hint: 'Give a domain such as example.org, a mail address, or an IP address.',
  });
}

/**
 * A target that has to be a name: policies and TLSA records belong to names.
 *
 * @returns the domain in A-labels
 * @throws AppError E_TARGET (exit 64) for an address, and for what is no target at all
 */
export function parseNameTarget(text: string): string {
  const target = parseTarget(text);
  if (target.kind === 'domain') return target.domain;
  throw new AppError(`'${text}' is an address, and a name is needed here.`, {
    code: 'E_TARGET',
    exit: ExitCode.usage,
    hint: 'Give a domain such as example.org, or the name of an exchanger such as mx.example.org.',
  });
}
