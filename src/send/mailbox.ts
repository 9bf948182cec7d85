import { parseDomain } from '../dns/names.ts';
import { AppError, ExitCode } from '../errors.ts';

/** A mail address as the envelope has it. */
export type Mailbox = {
  /** `local@domain`, the domain in A-labels. */
  readonly address: string;
  readonly domain: string;
};

/** RFC 5321 §4.1.2: a dot-string of atoms, or a quoted string; §4.5.3.1.1: 64 octets at most. */
const LOCAL =
  /^(?:[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*|"(?:[ !#-[\]-~]|\\[ -~])*")$/;

function wrong(text: string, flag: string, reason: string): AppError {
  return new AppError(`--${flag}: '${text}' ${reason}.`, {
    code: 'E_ADDRESS',
    exit: ExitCode.usage,
    hint: 'Write it as name@example.org.',
  });
}

/**
 * Read a mail address, with or without angle brackets.
 *
 * @param flag  where it was given, for the error
 * @throws AppError E_ADDRESS (exit 64) for what is none; local parts beyond ASCII need SMTPUTF8 and are refused
 */
export function parseMailbox(text: string, flag: string): Mailbox {
  const bare = text.trim().replace(/^<(.*)>$/, '$1');
  const at = bare.lastIndexOf('@');
  if (at < 1) throw wrong(text, flag, 'is no mail address');
  const local = bare.slice(0, at);
  if (/[^\x20-\x7e]/.test(local)) throw wrong(text, flag, 'has a part before the @ that is not ASCII');
  if (local.length > 64 || !LOCAL.test(local)) throw wrong(text, flag, 'has a wrong part before the @');
  const domain = parseDomain(bare.slice(at + 1));
  if (domain.kind === 'invalid') throw wrong(text, flag, `has a domain that ${domain.reason}`);
  return { address: `${local}@${domain.ascii}`, domain: domain.ascii };
}
