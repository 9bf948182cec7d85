import { readAddress } from './address.ts';
import type { Clause, Clauses } from './clauses.ts';

/** Servers whose way of writing matters to us. */
export type Family =
  | 'amavis'
  | 'authentication-milter'
  | 'barracuda'
  | 'chasquid'
  | 'cisco'
  | 'communigate'
  | 'critical-path'
  | 'cyrus'
  | 'domino'
  | 'exchange'
  | 'exim'
  | 'fetchmail'
  | 'gmail'
  | 'haraka'
  | 'ibm'
  | 'mdaemon'
  | 'momentum'
  | 'obtuse'
  | 'opensmtpd'
  | 'postfix'
  | 'qmail'
  | 'sendgrid'
  | 'sendmail'
  | 'ses'
  | 'smtpsvc'
  | 'other';

export type Software = {
  readonly family: Family;
  /** As written. */
  readonly written: string | null;
  /** Address of the receiving server, where it writes one. */
  readonly byIp: string | null;
};

/** By the letters a name starts with, lower case: what it must start with in full, and whose it is. */
const NAMES: ReadonlyMap<string, readonly [beginning: string, family: Family]> = new Map<
  string,
  readonly [string, Family]
>([
  ['postfix', ['Postfix', 'postfix']],
  ['exim', ['Exim', 'exim']],
  ['amavisd', ['amavisd', 'amavis']],
  ['authentication', ['Authentication Milter', 'authentication-milter']],
  ['haraka', ['Haraka', 'haraka']],
  ['opensmtpd', ['OpenSMTPD', 'opensmtpd']],
  ['chasquid', ['chasquid', 'chasquid']],
  ['cyrus', ['Cyrus ', 'cyrus']],
  ['lmtpproxy', ['LMTPProxy', 'cyrus']],
  ['communigate', ['CommuniGate Pro', 'communigate']],
  ['mdaemon', ['MDaemon', 'mdaemon']],
  ['spam', ['Spam Firewall', 'barracuda']],
  ['barracuda', ['Barracuda', 'barracuda']],
  ['hcl', ['HCL Domino', 'domino']],
  ['ibm', ['IBM Domino', 'domino']],
  ['lotus', ['Lotus Domino', 'domino']],
  ['ecelerity', ['ecelerity', 'momentum']],
  ['momentum', ['Momentum', 'momentum']],
  ['fetchmail', ['fetchmail', 'fetchmail']],
  ['qmail', ['qmail-ldap', 'qmail']],
  ['s', ['s/qmail', 'qmail']],
  ['sg', ['SG', 'sendgrid']],
  ['nemesis', ['Nemesis', 'other']],
  ['assp', ['ASSP ', 'other']],
]);

/** `authentication` */
const LONGEST_NAME = 14;

type Named = { readonly family: Family; readonly written: string | null };

/** Who wrote the line. */
export function readSoftware(clauses: Clauses): Software {
  const host = clauses.by?.words[0] ?? '';
  const named =
    nameOfProtocol(clauses) ?? nameOfComments(clauses.serverComments) ?? ownName(clauses.by, host) ?? null;
  const byIp = addressOf(clauses.by);
  if (named === null) return { family: familyByHabit(clauses, host), written: null, byIp };
  return { ...named, byIp };
}

function addressOf(by: Clause | null): string | null {
  if (by === null) return null;
  for (const comment of by.comments) {
    const last = comment.charCodeAt(comment.length - 1);
    if (last !== 0x5d && !isHexDigit(last)) continue; // neither `]` nor the end of an address
    const address = lastAddress(comment);
    if (address !== null) return address;
  }
  return null;
}

function isHexDigit(code: number): boolean {
  return isDigit(code) || ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x66);
}

/** The address at the end of `(192.0.2.1)`, `([192.0.2.1])`, `(host [192.0.2.1])`. */
function lastAddress(comment: string): string | null {
  const last = comment.includes(' ') ? comment.slice(comment.lastIndexOf(' ') + 1) : comment;
  return readAddress(last)?.ip ?? null;
}

/** Microsoft, IBM and MailEnable name themselves in the with clause. */
function nameOfProtocol(clauses: Clauses): Named | null {
  const words = clauses.with?.words;
  if (words === undefined || words.length < 2) return null;
  const first = words[0] ?? '';
  const vendor = first.toLowerCase();
  if (vendor !== 'microsoft' && vendor !== 'ibm' && vendor !== 'mailenable') return null;
  const text = words.join(' ');
  const version = clauses.with?.comments[0] ?? '';
  const written = isDigit(version.charCodeAt(0)) ? `${text} ${version}` : text;
  return { family: familyOfVendor(vendor, text), written };
}

function familyOfVendor(vendor: string, text: string): Family {
  if (vendor === 'ibm') return 'ibm';
  if (vendor === 'mailenable') return 'other';
  return /^Microsoft SMTPSVC/i.test(text) ? 'smtpsvc' : 'exchange';
}

/** A comment with a name that we know, wherever it stands: Exim's comes after the protocol. */
function nameOfComments(comments: readonly string[]): Named | null {
  for (const comment of comments) {
    const known = NAMES.get(leadingLetters(comment));
    if (known?.[0] !== undefined && comment.startsWith(known[0]))
      return { family: known[1], written: comment };
  }
  return null;
}

function leadingLetters(text: string): string {
  let end = 0;
  while (isLetter(text.charCodeAt(end))) end += 1;
  return end === 0 || end > LONGEST_NAME ? '' : text.slice(0, end).toLowerCase();
}

function isLetter(code: number): boolean {
  return (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** The comment behind the host that is neither an address nor about the session. */
function ownName(by: Clause | null, host: string): Named | null {
  const written = by?.comments.find((comment) => isSoftware(comment, host));
  if (written === undefined) return null;
  return {
    family: isDigit(written.charCodeAt(0)) ? familyOfVersion(written) : familyOfName(written),
    written,
  };
}

const NO_SOFTWARE =
  /^(?:-$|unknown$|envelope|auth|using |client |no client|version=|cipher=|node=|via |tls)/i;

function isSoftware(comment: string, host: string): boolean {
  if (comment === '' || isSame(comment, host)) return false;
  if (NO_SOFTWARE.test(comment)) return false;
  // `(host [192.0.2.1])` and `(192.0.2.1)` are places, `(KumoMTA 192.0.2.1)` is a program
  return lastAddress(comment) === null || (comment.includes(' ') && !comment.endsWith(']'));
}

function isSame(one: string, other: string): boolean {
  return one.length === other.length && one.toLowerCase() === other.toLowerCase();
}

/** Sendmail writes program and configuration, `8.17.1/8.17.1`; Critical Path a bare version, `7.0.028`. */
function familyOfVersion(written: string): Family {
  if (/^8\.\d+\.[^ ]*\/\S/.test(written)) return 'sendmail';
  return /^\d\.\d\.[\d.]+$/.test(written) ? 'critical-path' : 'other';
}

function familyOfName(written: string): Family {
  return written.includes('Exim') ? 'exim' : 'other';
}

const SENDGRID = /^(?:recvd|filterdrecv|geopod)-/;

/** Servers that do not name themselves, by what only they write. */
function familyByHabit(clauses: Clauses, host: string): Family {
  const name = host.toLowerCase();
  if (name.endsWith('.google.com') || name.startsWith('2002:a')) return 'gmail';
  if (name.endsWith('.amazonaws.com') && name.startsWith('inbound-smtp.')) return 'ses';
  if (name.endsWith('.sendgrid.net') || SENDGRID.test(name)) return 'sendgrid';
  if (clauses.lead.comments.some((comment) => comment.startsWith('qmail '))) return 'qmail';
  const protocol = clauses.with?.words[0] ?? '';
  if (protocol.includes('/') && /^e?smtp\/tls\//i.test(protocol)) return 'cisco';
  if (clauses.id?.words[0]?.startsWith('smtpd') === true) return 'obtuse';
  return writesLikeQmail(clauses) ? 'qmail' : 'other';
}

/** `from a (HELO b) (192.0.2.1) by c with SMTP; 6 Feb 2005 21:11:37 -0000`: no square brackets, no weekday. */
function writesLikeQmail(clauses: Clauses): boolean {
  const from = clauses.from;
  if (from === null || clauses.date?.weekday !== false || clauses.id !== null) return false;
  return from.comments.some((comment) => !comment.includes('[') && readAddress(comment) !== null);
}
