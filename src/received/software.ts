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

/** Beginnings of what servers call themselves, lower case. */
const BEGINNINGS: readonly (readonly [string, Family])[] = [
  ['postfix', 'postfix'],
  ['exim', 'exim'],
  ['amavis', 'amavis'],
  ['authentication milter', 'authentication-milter'],
  ['haraka', 'haraka'],
  ['opensmtpd', 'opensmtpd'],
  ['chasquid', 'chasquid'],
  ['cyrus', 'cyrus'],
  ['lmtpproxy', 'cyrus'],
  ['communigate', 'communigate'],
  ['mdaemon', 'mdaemon'],
  ['spam firewall', 'barracuda'],
  ['barracuda', 'barracuda'],
  ['hcl domino', 'domino'],
  ['ibm domino', 'domino'],
  ['lotus domino', 'domino'],
  ['ecelerity', 'momentum'],
  ['momentum', 'momentum'],
  ['fetchmail', 'fetchmail'],
  ['qmail-ldap', 'qmail'],
  ['s/qmail', 'qmail'],
  ['microsoft smtp server', 'exchange'],
  ['microsoft smtpsvc', 'smtpsvc'],
  ['ibm esmtp', 'ibm'],
];

/** Who wrote the line. */
export function readSoftware(clauses: Clauses): Software {
  const by = clauses.first.get('by');
  const host = by?.words[0] ?? '';
  const withText = clauses.first.get('with')?.words.join(' ') ?? '';
  const written = softwareName(clauses, by, host, withText);
  return { family: familyOf(written, clauses, host, by), written, byIp: addressOf(by) };
}

function addressOf(by: Clause | undefined): string | null {
  for (const comment of by?.comments ?? []) {
    const address = readAddress(comment.slice(comment.lastIndexOf(' ') + 1));
    if (address !== null) return address.ip;
  }
  return null;
}

function softwareName(
  clauses: Clauses,
  by: Clause | undefined,
  host: string,
  withText: string,
): string | null {
  if (/^(?:microsoft|ibm esmtp|mailenable)/i.test(withText)) {
    const version = clauses.first.get('with')?.comments[0] ?? '';
    return /^\d/.test(version) ? `${withText} ${version}` : withText;
  }
  const own = by?.comments.find((comment) => isSoftware(comment, host));
  if (own !== undefined) return own;
  // Exim and 1&1 name themselves after the protocol or the cipher suite.
  for (const name of ['with', 'tls', 'from', 'id'] as const) {
    const found = clauses.first
      .get(name)
      ?.comments.find((text) => /^(?:Exim |Nemesis|ASSP |fetchmail-)/.test(text));
    if (found !== undefined) return found;
  }
  return null;
}

function isSoftware(comment: string, host: string): boolean {
  if (comment === '' || comment === '-' || comment.toLowerCase() === host.toLowerCase()) return false;
  if (/^(?:envelope|auth|using |client |no client|version=|cipher=|node=|via |tls)/i.test(comment))
    return false;
  return readAddress(comment.slice(comment.lastIndexOf(' ') + 1)) === null;
}

function familyOf(written: string | null, clauses: Clauses, host: string, by: Clause | undefined): Family {
  if (written !== null) {
    const name = written.toLowerCase();
    const known = BEGINNINGS.find(([beginning]) => name.startsWith(beginning));
    if (known !== undefined) return known[1];
    if (name === 'sg') return 'sendgrid';
    if (name.includes('exim')) return 'exim';
    if (/^8\.\d+\.[^ ]*\/\S/.test(name)) return 'sendmail';
    if (/^\d\.\d\.[\d.]+$/.test(name)) return 'critical-path';
    if (by?.comments.some((comment) => comment.toLowerCase().startsWith('ecelerity'))) return 'momentum';
    const mdaemon = by?.comments.some((comment) => comment.startsWith('MDaemon'));
    return mdaemon === true ? 'mdaemon' : 'other';
  }
  return familyByHabit(clauses, host);
}

/** Servers that do not name themselves, by what only they write. */
function familyByHabit(clauses: Clauses, host: string): Family {
  const name = host.toLowerCase();
  if (name.endsWith('.google.com') || /^2002:a[0-9a-f]*:/.test(name)) return 'gmail';
  if (name.endsWith('.amazonaws.com') && name.startsWith('inbound-smtp.')) return 'ses';
  if (name.endsWith('.sendgrid.net') || /^(?:recvd|filterdrecv|geopod)-/.test(name)) return 'sendgrid';
  if (clauses.lead.comments.some((comment) => comment.startsWith('qmail '))) return 'qmail';
  const protocol = clauses.first.get('with')?.words[0] ?? '';
  if (/^e?smtp\/tls\//i.test(protocol)) return 'cisco';
  if (clauses.first.get('id')?.words[0]?.startsWith('smtpd') === true) return 'obtuse';
  return writesLikeQmail(clauses) ? 'qmail' : 'other';
}

/** `from a (HELO b) (192.0.2.1) by c with SMTP; 6 Feb 2005 21:11:37 -0000`: no square brackets, no weekday. */
function writesLikeQmail(clauses: Clauses): boolean {
  const from = clauses.first.get('from');
  if (from === undefined || clauses.date?.weekday !== false || clauses.first.has('id')) return false;
  return from.comments.some((comment) => !comment.includes('[') && readAddress(comment) !== null);
}
