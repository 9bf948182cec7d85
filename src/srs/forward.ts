import { parseSrs, quoted, readAddress, type Separator, type SrsLocal, unquoted } from './address.ts';
import { dayStamp, sealOf } from './seal.ts';

export type ForwardOptions = {
  /** The domain that forwards, which takes the bounces. A-labels, lower case. */
  readonly domain: string;
  /** Domains whose senders need no rewriting, as our own servers may send for them. */
  readonly own: readonly string[];
  /** The first one signs. */
  readonly secrets: readonly [string, ...string[]];
  readonly nowMs: number;
  readonly separator: Separator;
  /** Characters of the hash. */
  readonly hashLength: number;
};

/** What a sender becomes. */
export type Forwarded =
  | { readonly kind: 'unchanged'; readonly address: string; readonly reason: string }
  | {
      readonly kind: 'srs0' | 'srs1';
      readonly address: string;
      /** The local part has more than the 64 octets that every server takes (RFC 5321 §4.5.3.1.1). */
      readonly tooLong: boolean;
    };

const MAX_LOCAL = 64;

/**
 * Rewrite the sender of a message that is forwarded, so that SPF of the forwarding domain holds and bounces find
 * their way back. A sender that was rewritten elsewhere becomes SRS1, which does not grow any further.
 *
 * @throws AppError E_ADDRESS, E_SRS (exit 65) for a sender that is no address, or one that only looks rewritten
 */
export function forwardSrs(sender: string, options: ForwardOptions): Forwarded {
  const address = readAddress(sender);
  if (address === null)
    return { kind: 'unchanged', address: '', reason: 'Bounces have no sender to rewrite.' };
  const { local, domain } = address;
  if (domain === options.domain || options.own.includes(domain))
    return { kind: 'unchanged', address: `${local}@${domain}`, reason: `${domain} is your own.` };
  const plain = unquoted(local);
  const written = parseSrs(plain);
  const rewritten =
    written === null ? first(plain, domain, options) : further(written, plain, domain, options);
  const localPart = quoted(rewritten);
  const tooLong = Buffer.byteLength(localPart) > MAX_LOCAL;
  return {
    kind: written === null ? 'srs0' : 'srs1',
    address: `${localPart}@${options.domain}`,
    tooLong,
  };
}

function first(
  user: string,
  host: string,
  { secrets, nowMs, separator, hashLength }: ForwardOptions,
): string {
  const stamp = dayStamp(nowMs);
  const hash = sealOf(secrets[0], [stamp, host, user], hashLength);
  return `SRS0${separator}${hash}=${stamp}=${host}=${user}`;
}

/** Behind the tag of an SRS1 there is the host to go back to, and its SRS0 without the tag. */
function further(
  written: SrsLocal,
  local: string,
  domain: string,
  { secrets, separator, hashLength }: ForwardOptions,
): string {
  const host = written.kind === 'srs1' ? written.host : domain;
  const rest = written.kind === 'srs1' ? written.rest : local.slice('SRS0'.length);
  return `SRS1${separator}${sealOf(secrets[0], [host, rest], hashLength)}=${host}=${rest}`;
}
