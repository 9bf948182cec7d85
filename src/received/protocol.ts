import type { Clauses } from './clauses.ts';

/** What a with type tells. */
export type ProtocolKind = {
  /** `smtp` and `lmtp` say by their S whether TLS was used (RFC 3848). */
  readonly class: 'smtp' | 'lmtp' | 'local' | 'web' | 'store' | 'fetch' | 'filter' | 'other';
  readonly secure: boolean;
  readonly auth: boolean;
};

export type Protocol = {
  /** As written; null without a with clause. */
  readonly written: string | null;
  /** The word that decides, such as `ESMTPS`. */
  readonly type: string | null;
  readonly kind: ProtocolKind | null;
};

const KINDS = makeKinds();

function makeKinds(): ReadonlyMap<string, ProtocolKind> {
  const kinds = new Map<string, ProtocolKind>();
  const add = (names: string, kind: ProtocolKind) => {
    for (const name of names.split(' ')) kinds.set(name, kind);
  };
  // IANA "WITH protocol types" (RFC 3848, RFC 6531 §4.3), and SMTPS of Gmail and Zoho
  for (const base of ['SMTP', 'ESMTP', 'UTF8SMTP', 'LMTP', 'UTF8LMTP']) {
    const name = base.endsWith('LMTP') ? 'lmtp' : 'smtp';
    add(base, { class: name, secure: false, auth: false });
    add(`${base}S`, { class: name, secure: true, auth: false });
    add(`${base}A`, { class: name, secure: false, auth: true });
    add(`${base}SA`, { class: name, secure: true, auth: true });
  }
  add('ESMTP-TLS', { class: 'smtp', secure: true, auth: false }); // old CommuniGate
  add('ASMTP', { class: 'smtp', secure: false, auth: true }); // old Exim
  add('HTTPS', { class: 'web', secure: true, auth: false });
  add('HTTP HTTPU HTTPREST', { class: 'web', secure: false, auth: false });
  add('MAPI', { class: 'store', secure: false, auth: false });
  add('POP3 POP3S IMAP IMAPS IMAP4', { class: 'fetch', secure: false, auth: false });
  add('LOCAL LOCAL-SMTP LOCAL-ESMTP LOCAL-BSMTP BSMTP SPOOL QUEUE', {
    class: 'local',
    secure: false,
    auth: false,
  });
  add('LOCAL-SMTPS LOCAL-ESMTPS', { class: 'local', secure: true, auth: false });
  add('SPAMASSASSIN SCANNED-OK SPAM-SCANNED', { class: 'filter', secure: false, auth: false });
  add('SUBMISSION', { class: 'other', secure: false, auth: true });
  add('ESSMTP SSMTP QMTP QMQP ECSTREAM TCP UUCP NNTP MMS FQDP NNFMP', {
    class: 'other',
    secure: false,
    auth: false,
  });
  return kinds;
}

/** Read the with clause; in its place the via clause, where some put the protocol. */
export function readProtocol(clauses: Clauses): Protocol {
  const words = clauses.with?.words ?? [];
  if (words.length > 0) return protocolOf(words);
  const via = protocolOf(clauses.via?.words ?? viaInBrackets(clauses));
  return { ...via, written: null };
}

/** `(via HTTP)` behind the host name. */
function viaInBrackets(clauses: Clauses): string[] {
  const comment = clauses.by?.comments.find((text) => text.startsWith('via '));
  return comment === undefined ? [] : comment.slice(4).split(' ');
}

function protocolOf(words: readonly string[]): Protocol {
  const text = words.length === 1 ? (words[0] ?? '') : words.join(' ');
  const written = text.endsWith(',') ? text.slice(0, -1) : text;
  const slash = written.indexOf('/');
  if (slash !== -1 && /^E?SMTPA?\/TLS/i.test(written)) {
    const type = written.slice(0, slash);
    return { written: type, type, kind: kindOf(type) ?? null };
  }
  for (let index = words.length - 1; index >= 0; index -= 1) {
    const type = plainWord(words[index] ?? '');
    const kind = kindOf(type);
    if (kind !== undefined) return { written, type, kind };
  }
  return { written: written === '' ? null : written, type: null, kind: null };
}

function kindOf(type: string): ProtocolKind | undefined {
  return KINDS.get(type) ?? KINDS.get(type.toUpperCase()) ?? filterKind(type);
}

function plainWord(word: string): string {
  const code = word.charCodeAt(word.length - 1);
  if (code === 0x2c) return word.slice(0, -1);
  // "[XMail 1.20 ESMTP Server]"
  return code === 0x5d && word.includes(' ')
    ? (word.split(' ').find((part) => KINDS.has(part)) ?? word)
    : word;
}

function filterKind(type: string): ProtocolKind | undefined {
  const filter = type.startsWith('qmail-scanner') || type.endsWith('-scanned');
  return filter ? { class: 'filter', secure: false, auth: false } : undefined;
}
