import { readAuth } from './auth.ts';
import { type Clauses, readClauses } from './clauses.ts';
import { isoDate } from './date.ts';
import { judgeEncryption } from './encryption.ts';
import { readPeer } from './peer.ts';
import { type Protocol, readProtocol } from './protocol.ts';
import { readSoftware, type Software } from './software.ts';
import { readTls, type TlsEvidence } from './tls.ts';
import type { Flag, Peer, Trace } from './types.ts';

/** A parsed field. */
export type Reading = {
  readonly trace: Trace;
  /** Its date, milliseconds since the epoch; null without one, and where the zone is not known. */
  readonly instantMs: number | null;
};

/**
 * Parse the body of one Received field (RFC 5321 §4.4, and what some sixty kinds of software make of it).
 * Never throws; what cannot be read is null, and time is linear in the length.
 *
 * @param raw  the text after the colon, folds and all
 */
export function parseReceived(raw: string): Trace {
  return readReceived(raw).trace;
}

/** The same, with the time to reckon with. */
export function readReceived(raw: string): Reading {
  const clauses = readClauses(raw);
  const software = readSoftware(clauses);
  const protocol = readProtocol(clauses);
  const from = readPeer(clauses, software.family);
  const tls = readTls(clauses, software.family);
  const judged = judgeEncryption({ clauses, software, protocol, peer: from.peer, tls });
  const auth = readAuth(clauses, protocol);
  const id = readId(clauses);
  const { date } = clauses;
  const trace: Trace = {
    from: from.peer,
    by: readBy(clauses),
    byIp: software.byIp,
    bySoftware: software.written,
    via: clauses.via?.words.join(' ') || null,
    with: protocol.written,
    id,
    for: readFor(clauses),
    envelopeFrom: readEnvelopeFrom(clauses),
    encrypted: judged.encrypted,
    encryptedReason: judged.reason,
    tls: tls?.tls ?? null,
    auth,
    date: date === null ? null : isoDate(date.ms),
    submission: auth !== null || (protocol.kind?.class === 'web' && !protocol.kind.secure),
    internal: judged.internal,
    flags: readFlags(clauses, software, protocol, from, tls, id),
    raw,
  };
  return { trace, instantMs: date?.zoneKnown === true ? date.ms : null };
}

function readBy(clauses: Clauses): string | null {
  const word = clauses.by?.words[0];
  if (word === undefined) return null;
  return plain(word.endsWith('.') ? word.slice(0, -1) : word);
}

function readId(clauses: Clauses): string | null {
  const word = clauses.id?.words[0];
  return word === undefined ? null : plain(word);
}

function readFor(clauses: Clauses): string | null {
  const word = clauses.for?.words[0];
  return word === undefined ? null : plain(word);
}

/** Without the comma or the angle brackets around it; null for nothing. */
function plain(word: string): string | null {
  let text = word.endsWith(',') ? word.slice(0, -1) : word;
  if (text.startsWith('<') && text.endsWith('>')) text = text.slice(1, -1);
  return text === '' ? null : text;
}

/** `(envelope-from <a@b>)` wherever it stands, Haraka's clause, `for <a> from <b>`; `''` for `<>`. */
function readEnvelopeFrom(clauses: Clauses): string | null {
  const word = clauses.envelopeFrom?.words[0];
  if (word !== undefined) return withoutBrackets(word);
  return envelopeIn(clauses.serverComments) ?? envelopeIn(clauses.from?.comments ?? []);
}

function envelopeIn(comments: readonly string[]): string | null {
  for (const comment of comments) {
    const at = comment.charCodeAt(0) | 0x20;
    if (at !== 0x65 && at !== 0x6f) continue; // e(nvelope-from), o(ver SMTP, …, envelope from "a@b")
    const found = /^(?:envelope-(?:from|sender) |over .*envelope from )(<[^>]*>|"[^"]*"|[^ ,)]+)/i.exec(
      comment,
    );
    if (found?.[1] !== undefined) return withoutBrackets(found[1]);
  }
  return null;
}

function withoutBrackets(text: string): string {
  const edges = text.charAt(0) + text.charAt(text.length - 1);
  return edges === '<>' || edges === '""' ? text.slice(1, -1) : text;
}

function readFlags(
  clauses: Clauses,
  software: Software,
  protocol: Protocol,
  from: { readonly peer: Peer; readonly mayBeForged: boolean },
  tls: TlsEvidence | null,
  id: string | null,
): Flag[] {
  const flags: Flag[] = tls === null ? [] : [...tls.flags];
  if (clauses.truncated) flags.push('truncated');
  if (clauses.date === null) flags.push('no-date');
  else if (!clauses.date.zoneKnown) flags.push('zone-unknown');
  if (from.mayBeForged) flags.push('may-be-forged');
  if (protocol.kind !== null && id !== null && !isIdOf(software, id)) flags.push('id-format');
  return flags;
}

/** Whether a queue id has the form that this software gives its own; true where we do not know the form. */
function isIdOf(software: Software, id: string): boolean {
  switch (software.family) {
    case 'postfix': // hexadecimal, or the long ids of enable_long_queue_ids
      return /^(?:[0-9A-F]{5,20}|[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{10,20})(?:for)?$/.test(id);
    case 'exim': // 6-6-2, since 4.97 6-11-4, base 62
      return /^\w{6}-\w{6}-\w{2}$|^\w{6}-\w{11}-\w{4}$/.test(id);
    default:
      return true;
  }
}
