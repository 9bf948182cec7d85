import type { Clauses } from './clauses.ts';
import type { Protocol } from './protocol.ts';
import type { Auth } from './types.ts';

/** Find the login: a comment that says who it was, or a with type with an A (RFC 3848). */
export function readAuth(clauses: Clauses, protocol: Protocol): Auth | null {
  const found = firstAuth(clauses.from?.comments ?? []) ?? firstAuth(clauses.serverComments);
  if (found !== null) return found;
  if (protocol.kind?.auth !== true) return null;
  return { user: null, mechanism: null, evidence: `with ${protocol.type}` };
}

function firstAuth(comments: readonly string[]): Auth | null {
  for (const comment of comments) {
    const found = authIn(comment);
    if (found !== null) return found;
  }
  return null;
}

type Form = {
  readonly pattern: RegExp;
  readonly evidence: string;
};

/** Named groups `user` and `mechanism`, both optional. */
const FORMS: readonly Form[] = [
  { pattern: /^Authenticated sender: ?(?<user>.+)$/i, evidence: 'Authenticated sender' }, // Postfix, ZoneMTA
  { pattern: /^authenticated as (?<user>\S+)/i, evidence: 'authenticated as' }, // Critical Path
  { pattern: /^authenticated(?: bits=| \(\d|$)/i, evidence: 'authenticated' }, // Sendmail, Haraka
  { pattern: /^user=(?<user>\S+) mech=(?<mechanism>\S+)/i, evidence: 'user= mech=' }, // Sendmail 8.11
  { pattern: /^AUTH: (?<mechanism>[^ ,]+)(?: (?<user>[^ ,]+))?/i, evidence: 'AUTH:' }, // Courier
  { pattern: /^account <?(?<user>[^ >]+)>?/i, evidence: 'account' }, // CommuniGate
  { pattern: /^\w+Mail authenticated user (?<user>\S+)/i, evidence: 'webmail' }, // SquirrelMail and heirs
  {
    pattern: /^smtp-auth username (?<user>[^ ,]+)(?:, mechanism (?<mechanism>\S+))?/i,
    evidence: 'smtp-auth',
  }, // qpsmtpd
  { pattern: /(?:^|[ ,])auth=yes(?: user=(?<user>\S+))?/i, evidence: 'auth=yes' }, // OpenSMTPD
];

function authIn(comment: string): Auth | null {
  const code = comment.charCodeAt(0) | 0x20;
  if (!(code >= 0x61 && code <= 0x7a) || !/auth|account|user=/i.test(comment)) return null;
  for (const { pattern, evidence } of FORMS) {
    const groups = pattern.exec(comment);
    if (groups === null) continue;
    return {
      user: groups.groups?.['user'] ?? null,
      mechanism: groups.groups?.['mechanism'] ?? null,
      evidence,
    };
  }
  return null;
}
