import { isLoopback } from './address.ts';
import type { Clauses } from './clauses.ts';
import type { Protocol } from './protocol.ts';
import type { Software } from './software.ts';
import type { TlsEvidence } from './tls.ts';
import type { Encrypted, Peer } from './types.ts';

/** The answer for one line and why. */
export type Judgement = {
  readonly encrypted: Encrypted;
  /** Names the evidence. */
  readonly reason: string;
  /** The message stayed inside one system, TLS or not. */
  readonly internal: boolean;
};

/** All that is known of a line when it is judged. */
export type Line = {
  readonly clauses: Clauses;
  readonly software: Software;
  readonly protocol: Protocol;
  readonly peer: Peer;
  readonly tls: TlsEvidence | null;
};

/**
 * Was this hop encrypted? Yes only by TLS data in a place where servers write it, or by a with type that
 * says so; no only by a with type without S from software that would have said so. A wrong yes is the worst
 * error, so everything else is unknown.
 */
export function judgeEncryption(line: Line): Judgement {
  const local = whyLocal(line);
  const evidence = evidenceOfTls(line);
  if (evidence !== null) return { ...evidence, internal: local !== null || isInsideHop(line) };
  if (local !== null) return { encrypted: 'local', reason: local, internal: true };
  return { ...withoutEvidence(line), internal: isInsideHop(line) };
}

type Answer = Omit<Judgement, 'internal'>;

function yes(reason: string): Answer {
  return { encrypted: 'yes', reason };
}

function no(reason: string): Answer {
  return { encrypted: 'no', reason };
}

function unknown(reason: string): Answer {
  return { encrypted: 'unknown', reason };
}

function evidenceOfTls({ clauses, software, protocol, tls }: Line): Answer | null {
  if (tls?.flags.includes('null-cipher')) return no(`${tls.evidence}: a NULL cipher encrypts nothing`);
  if (tls !== null) return yes(tls.evidence);
  if (protocol.kind?.secure === true) return yes(`with ${protocol.type}${registry(protocol)}`);
  const words = otherWords(clauses, software, protocol);
  return words === null ? null : yes(words);
}

function registry(protocol: Protocol): string {
  const smtp = protocol.kind?.class === 'smtp' || protocol.kind?.class === 'lmtp';
  return smtp ? ' (RFC 3848)' : '';
}

/** Servers that say it in words of their own. */
function otherWords(clauses: Clauses, software: Software, protocol: Protocol): string | null {
  const withClause = clauses.with;
  const by = clauses.by?.words;
  if (software.family === 'smtpsvc' && by !== undefined && by.length > 4) {
    const words = by.slice(1, 5).join(' ').toLowerCase();
    return words === 'over tls secured channel' ? words : null;
  }
  if (software.family === 'exchange') return withClause?.comments.includes('TLS') === true ? '(TLS)' : null;
  if (software.family === 'gmail' && clauses.serverComments.includes('Google Transport Security')) {
    return '(Google Transport Security)';
  }
  if (clauses.moreWith.some((clause) => clause.words[0]?.toUpperCase() === 'STARTTLS'))
    return 'with STARTTLS';
  const type = withClause?.words[0];
  if (type?.includes('/') === true && /^E?SMTPA?\/TLS(?:\/|$)/i.test(type)) return `with ${type}`;
  return protocol.written?.toLowerCase() === 'encrypted smtp' ? 'with encrypted SMTP' : null;
}

/** @returns why the message crossed no network here; null when it may have */
function whyLocal({ clauses, software, protocol, peer }: Line): string | null {
  const kind = protocol.kind?.class;
  if (kind === 'local' || kind === 'filter') return `with ${protocol.type}`;
  if (peer.ip !== null && isLoopback(peer.ip)) return `from ${peer.ip}, the same machine`;
  if (software.family === 'amavis' || software.family === 'authentication-milter') {
    return `${software.written}, a filter of the same system`;
  }
  if (kind === 'lmtp' && peer.ip === null) return `with ${protocol.type}, delivery inside the system`;
  if (peer.ip !== null && peer.ip === software.byIp) return 'from and by are the same address';
  return whyHandedOver(clauses) ?? whyMadeHere(clauses, software, protocol);
}

/** Forms for a message that was already on the machine. */
function whyHandedOver(clauses: Clauses): string | null {
  const lead = clauses.lead.comments[0] ?? '';
  if (lead.startsWith('qmail ')) return `(${lead.split(' ', 4).join(' ')} …)`;
  if (lead.endsWith('@localhost') && lead.startsWith('from ')) return `(${lead})`;
  if (clauses.via?.words[0]?.toLowerCase() === 'listexpand') return 'via listexpand';
  const from = clauses.from;
  if (from === null) return null;
  if (from.words[1] === 'pickup' && from.words[0]?.toLowerCase() === 'mail') return 'mail pickup service';
  for (const comment of from.comments) {
    if (comment.toLowerCase() === '[unix socket]') return '[unix socket]';
    if (comment.endsWith('@localhost') && !comment.includes(' ')) return 'a local user';
  }
  return null;
}

function whyMadeHere(clauses: Clauses, software: Software, protocol: Protocol): string | null {
  if (clauses.by?.comments.some((text) => text.includes('from userid')) === true) {
    return `(${software.written})`;
  }
  if (clauses.from !== null || clauses.by === null || protocol.written !== null) return null;
  return software.family === 'postfix' || clauses.by?.comments.some(isSubmitProgram) === true
    ? 'without a from and a with clause: made on this machine'
    : null;
}

function isSubmitProgram(comment: string): boolean {
  return comment.endsWith('/Submit') || comment.startsWith('sSMTP');
}

/** Not local, yet no hop between systems: a store, webmail, a fetch, a hand-over inside of Google. */
function isInsideHop({ clauses, protocol, software }: Line): boolean {
  const kind = protocol.kind?.class;
  if (kind === 'store' || kind === 'web' || kind === 'fetch') return true;
  return clauses.from === null || software.written === 'LMTPProxy';
}

function withoutEvidence(line: Line): Answer {
  const { clauses, protocol, software } = line;
  if (software.family === 'chasquid' && saysPlainText(clauses)) return no('plain text!');
  if (software.family === 'smtpsvc') return no('Microsoft SMTPSVC without "over TLS secured channel"');
  if (protocol.kind === null) {
    return unknown(protocol.written === null ? 'no with clause' : `with ${protocol.written} does not tell`);
  }
  if (protocol.kind.class !== 'smtp' && protocol.kind.class !== 'lmtp') {
    return unknown(`with ${protocol.type} does not tell`);
  }
  if (software.family === 'exchange') return no('Microsoft SMTP Server without (TLS) or version=');
  const silent = whySilent(line);
  return silent === null ? no(`with ${protocol.type} and no TLS data (RFC 3848)`) : unknown(silent);
}

function saysPlainText(clauses: Clauses): boolean {
  return clauses.serverComments.some((comment) => comment.includes('plain text!'));
}

/** Software that writes SMTP or ESMTP whether or not there was TLS. */
function whySilent({ clauses, software }: Line): string | null {
  switch (software.family) {
    case 'qmail':
      return 'qmail does not write whether there was TLS';
    case 'domino':
      return 'Domino does not write whether there was TLS';
    case 'barracuda':
      return 'this filter does not write whether there was TLS';
    case 'sendgrid':
      return 'SendGrid does not write whether there was TLS';
    case 'ses':
      return 'Amazon SES does not write whether there was TLS';
    case 'ibm':
      return 'this gateway does not write whether there was TLS';
    case 'mdaemon':
      return isOldMDaemon(software.written ?? '')
        ? 'MDaemon before 19 did not write whether there was TLS'
        : null;
    default:
      return clauses.from !== null ? null : 'no from clause: a hand-over inside of one system';
  }
}

function isOldMDaemon(written: string): boolean {
  const major = Number.parseInt(/ v(\d+)/.exec(written)?.[1] ?? '', 10);
  return !(major >= 19);
}
