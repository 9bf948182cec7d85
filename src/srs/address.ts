import { parseDomain } from '../dns/names.ts';
import { AppError, ExitCode } from '../errors.ts';

/** A mail address in its two parts. */
export type MailAddress = {
  /** As written, quotes included. */
  readonly local: string;
  /** A-labels, lower case. */
  readonly domain: string;
};

/** What may stand behind the tag; further fields are always divided by `=`. */
export type Separator = '=' | '+' | '-';

/** A rewritten local part. */
export type SrsLocal =
  /** Rewritten once: the sender's host and mailbox. */
  | {
      readonly kind: 'srs0';
      readonly hash: string;
      readonly stamp: string;
      readonly host: string;
      readonly user: string;
    }
  /** Rewritten again: the host that wrote the first one, and what it wrote behind its tag, separator included. */
  | { readonly kind: 'srs1'; readonly hash: string; readonly host: string; readonly rest: string };

/** Longest address that is looked at. */
const MAX_LENGTH = 1000;

/**
 * Read a mail address, with or without angle brackets.
 *
 * @returns null for the null sender `<>`
 * @throws AppError E_ADDRESS (exit 65)
 */
export function readAddress(text: string): MailAddress | null {
  const bare = text.trim().replace(/^<(.*)>$/s, '$1');
  if (bare === '') return null;
  if (bare.length > MAX_LENGTH || /[\0-\x1f\x7f]/.test(bare)) throw wrongAddress('The address is none.');
  const at = bare.lastIndexOf('@');
  const local = bare.slice(0, Math.max(at, 0));
  if (/[^\0-\x7f]/.test(local))
    throw wrongAddress(
      `'${bare}' has a mailbox beyond ASCII: SRS has no form for it.`,
      'Forward it without SRS, or refuse it.',
    );
  const domain = parseDomain(bare.slice(at + 1), { underscores: true });
  if (domain.kind === 'invalid' || !isLocalPart(local)) throw wrongAddress(`'${bare}' is no mail address.`);
  return { local, domain: domain.ascii };
}

function wrongAddress(message: string, hint = 'Give it as mailbox@example.org.'): AppError {
  return new AppError(message, { code: 'E_ADDRESS', exit: ExitCode.input, hint });
}

/** RFC 5321 §4.1.2, and the quoted words between dots that old programs write. */
function isLocalPart(local: string): boolean {
  return /^(?:[^\s"(),:;<>@[\]\\]|"(?:[^"\\]|\\.)*")+$/.test(local);
}

/** The characters that a local part stands for, without its quotes. */
export function unquoted(local: string): string {
  return /^"(?:[^"\\]|\\.)*"$/.test(local) ? local.slice(1, -1).replace(/\\(.)/g, '$1') : local;
}

/** @returns the local part as it is written: quoted where it has to be (RFC 5321 §4.1.2) */
export function quoted(text: string): string {
  if (/^[^\s"(),:;<>@[\]\\]+$/.test(text) && !/^\.|\.\.|\.$/.test(text)) return text;
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

const SHAPE = /^srs([01])([-+=])(.*)$/is;

/**
 * Take a rewritten local part apart.
 *
 * @param local  without quotes around it
 * @returns null when it has no SRS tag
 * @throws AppError E_SRS (exit 65) when it has one and nothing that belongs behind it
 */
export function parseSrs(local: string): SrsLocal | null {
  const [, tag, , body = ''] = SHAPE.exec(local) ?? [];
  if (tag === undefined) return null;
  const parsed = tag === '0' ? parseFirst(body) : parseFurther(body);
  if (parsed !== null) return parsed;
  throw new AppError(`The local part begins with SRS${tag} but is not what SRS writes.`, {
    code: 'E_SRS',
    exit: ExitCode.input,
    hint: 'It was cut off or made up; nothing can be found out from it.',
  });
}

function parseFirst(body: string): SrsLocal | null {
  const [, hash, stamp, host, user] = /^([^=]+)=([a-z2-7]{2})=([^=]+)=(.+)$/is.exec(body) ?? [];
  if (hash === undefined || stamp === undefined || host === undefined || user === undefined) return null;
  return isHost(host) ? { kind: 'srs0', hash, stamp, host, user } : null;
}

/** The rest keeps its own separator, which makes a double `==` where that is the usual one. */
function parseFurther(body: string): SrsLocal | null {
  const [, hash, host, rest] = /^([^=]+)=([^=]+)=([-+=].+)$/s.exec(body) ?? [];
  if (hash === undefined || host === undefined || rest === undefined) return null;
  return isHost(host) ? { kind: 'srs1', hash, host, rest } : null;
}

function isHost(text: string): boolean {
  return parseDomain(text, { underscores: true }).kind === 'name';
}
