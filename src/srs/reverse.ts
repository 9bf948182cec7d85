import { AppError, ExitCode } from '../errors.ts';
import { parseSrs, quoted, readAddress, type SrsLocal, unquoted } from './address.ts';
import { ageDays, findSecret } from './seal.ts';

export type ReverseOptions = {
  readonly secrets: readonly string[];
  readonly nowMs: number;
  /** Oldest stamp that is taken, in days. */
  readonly maxAgeDays: number;
  /** Shortest hash that is taken, in characters. */
  readonly minHashLength: number;
};

/** What a rewritten address says, believed or not. */
export type SrsReading = {
  readonly kind: 'srs0' | 'srs1';
  /** Where a bounce goes next: the sender, or for SRS1 the host that rewrote it first. */
  readonly next: string;
  /** The sender that it all began with, as far as it can be read. */
  readonly original: string | null;
  /** Age of the day stamp; null where it cannot be read. An SRS1 carries the stamp of another host. */
  readonly ageDays: number | null;
};

/** Whether a bounce to a rewritten address may go on. */
export type Reversed = SrsReading &
  (
    | { readonly verified: true; readonly secret: number; readonly caseChanged: boolean }
    | {
        readonly verified: false;
        readonly refusal: 'short-hash' | 'hash' | 'expired' | 'future';
        readonly reason: string;
      }
  );

/** Stamps that are older than half of the cycle are taken to lie in the future. */
const HALF_CYCLE = 512;

/**
 * Read a rewritten address without a secret: nothing of it is proved.
 *
 * @throws AppError E_ADDRESS, E_SRS (exit 65) when it is no SRS address
 */
export function readSrs(address: string, nowMs: number): SrsReading {
  return reading(parsed(address), nowMs);
}

function parsed(address: string): SrsLocal {
  const read = readAddress(address);
  const written = read === null ? null : parseSrs(unquoted(read.local));
  if (written !== null) return written;
  throw new AppError('The address is not one that SRS has rewritten.', {
    code: 'E_SRS',
    exit: ExitCode.input,
    hint: 'Such a one begins with SRS0 or SRS1.',
  });
}

function reading(written: SrsLocal, nowMs: number): SrsReading {
  if (written.kind === 'srs0') {
    const next = `${requoted(written.user)}@${written.host}`;
    return { kind: 'srs0', next, original: next, ageDays: ageDays(written.stamp, nowMs) };
  }
  const before = `SRS0${written.rest}`;
  const next = `${quoted(before)}@${written.host}`;
  const inner = innerOf(before);
  return {
    kind: 'srs1',
    next,
    original: inner === null ? null : `${requoted(inner.user)}@${inner.host}`,
    ageDays: inner === null ? null : ageDays(inner.stamp, nowMs),
  };
}

/** Some programs leave the quotes of the mailbox inside the local part they make. */
function requoted(user: string): string {
  return user === unquoted(user) ? quoted(user) : user;
}

/** What another host wrote is its own affair: it may be anything. */
function innerOf(local: string): (SrsLocal & { kind: 'srs0' }) | null {
  try {
    const written = parseSrs(local);
    return written?.kind === 'srs0' ? written : null;
  } catch {
    return null;
  }
}

/**
 * Find the way back for a bounce: check hash and age of a rewritten address.
 *
 * @throws AppError E_ADDRESS, E_SRS (exit 65) when it is no SRS address
 */
export function reverseSrs(address: string, options: ReverseOptions): Reversed {
  const written = parsed(address);
  const read = reading(written, options.nowMs);
  const refuse = (refusal: (Reversed & { verified: false })['refusal'], reason: string): Reversed => ({
    ...read,
    verified: false,
    refusal,
    reason,
  });
  if (written.hash.length < options.minHashLength)
    return refuse(
      'short-hash',
      `The hash has ${written.hash.length} characters where ${options.minHashLength} are demanded.`,
    );
  const parts =
    written.kind === 'srs0' ? [written.stamp, written.host, written.user] : [written.host, written.rest];
  const fit = findSecret(options.secrets, written.hash, parts);
  if (fit === null)
    return refuse('hash', 'No secret of yours made this hash: the address is forged, or older.');
  // The stamp of an SRS1 was made, and is checked, by the host that it goes back to.
  const age = written.kind === 'srs0' ? ageDays(written.stamp, options.nowMs) : 0;
  if (age > HALF_CYCLE) return refuse('future', 'The address carries a day that is still to come.');
  if (age > options.maxAgeDays)
    return refuse('expired', `The address is ${age} days old where ${options.maxAgeDays} are allowed.`);
  return { ...read, verified: true, secret: fit.secret, caseChanged: !fit.exact };
}
