import { isAead, isCipherName, isTls13Suite, readSuite, readVersion, weaknesses } from './cipher.ts';
import type { Clause, Clauses } from './clauses.ts';
import type { Family } from './software.ts';
import type { ClientCertificate, Flag, Tls, TlsVersion } from './types.ts';

/** TLS data that stands where a server is known to write it. */
export type TlsEvidence = {
  readonly tls: Tls;
  readonly flags: readonly Flag[];
  /** What was found, for the reason: `(using TLSv1.3 …)`. */
  readonly evidence: string;
};

/** As gathered; a later place fills what an earlier one left open. */
type Session = {
  evidence: string | null;
  version: string | null;
  cipher: string | null;
  bits: number | null;
  keyExchange: string | null;
  group: string | null;
  serverSignature: string | null;
  clientCert: ClientCertificate | null;
  verify: string | null;
};

/**
 * Find the TLS session that a server described. Comments of the from clause may hold what the client said
 * of itself, so only the forms of Postfix and Courier are believed there, and only from their first word.
 */
export function readTls(clauses: Clauses, family: Family): TlsEvidence | null {
  const session: Session = {
    evidence: null,
    version: null,
    cipher: null,
    bits: null,
    keyExchange: null,
    group: null,
    serverSignature: null,
    clientCert: null,
    verify: null,
  };
  for (const comment of clauses.from?.comments ?? []) readClientSide(comment, session);
  for (const comment of clauses.serverComments) readServerSide(comment, session, family);
  readTlsClause(clauses.tls, session);
  readWithWords(clauses, session);
  return session.evidence === null ? null : describe(session, session.evidence, family);
}

function readClientSide(comment: string, session: Session): void {
  switch (comment.charCodeAt(0) | 0x20) {
    case 0x75: // u
      if (/^using (?:tls|ssl)/i.test(comment)) readUsing(comment, session);
      break;
    case 0x63: // c
      if (comment.startsWith('Client CN "')) readClientCertificate(comment, session);
      break;
    case 0x61: // a
    case 0x73: // s
    case 0x74: // t
      if (/^(?:auth|ssl|tls): /i.test(comment)) readCourier(comment, session);
      break;
    default:
  }
}

function readServerSide(comment: string, session: Session, family: Family): void {
  const code = comment.charCodeAt(0) | 0x20;
  if (!(code >= 0x61 && code <= 0x7a)) return; // every form starts with a letter
  readClientSide(comment, session);
  if (comment.includes('=')) {
    if (code === 0x76 || code === 0x63) readPairs(comment.split(/[ ,]+/), `(${comment})`, session); // v c
  } else if (comment.includes(':')) readColons(comment, session);
  else if (comment.endsWith(' encrypted')) readEncrypted(comment, session);
  else if (family === 'chasquid') readChasquid(comment, session);
  else if (code === 0x74) readVersionFirst(comment, session);
}

/** Postfix, Stalwart, Symantec: `using TLSv1.3 with cipher X (256/256 bits) key-exchange X25519 …`. */
function readUsing(comment: string, session: Session): void {
  const words = comment.split(' ');
  const version = words[1] ?? '';
  see(`(using ${version} …)`, session);
  session.version ??= version;
  for (let index = 2; index < words.length; index += 1) {
    const next = words[index + 1] ?? '';
    if (words[index] === 'cipher') session.cipher ??= next;
    else if (/^\(\d+\/\d+$/.test(words[index] ?? '')) session.bits ??= bitsOf(words[index]?.slice(1));
    else if (words[index] === 'key-exchange') readKeyExchange(next, words[index + 2], session);
    else if (words[index] === 'server-signature')
      session.serverSignature ??= withAside(next, words, index + 2);
  }
}

function readKeyExchange(name: string, aside: string | undefined, session: Session): void {
  session.keyExchange ??= name;
  // "ECDHE (P-256)" names the group in brackets, "DHE (2048 bits)" its size
  const inner = /^\(([^ )]+)\)$/.exec(aside ?? '')?.[1];
  session.group ??= inner ?? (/^(?:EC)?DHE?$/.test(name) ? null : name);
}

/** `RSA-PSS (2048 bits)`, `ECDSA (prime256v1)`. */
function withAside(name: string, words: readonly string[], from: number): string {
  if (words[from]?.startsWith('(') !== true) return name;
  const end = words.findIndex((word, index) => index >= from && word.endsWith(')'));
  return end === -1 ? name : `${name} ${words.slice(from, end + 1).join(' ')}`;
}

/** Postfix: `Client CN "x", Issuer "y" (verified OK)`, or that there was none. */
function readClientCertificate(comment: string, session: Session): void {
  const found = /^Client CN "(.*?)"(?:, Issuer "(.*)")?(?: \((.*)\))?$/i.exec(comment);
  if (found === null) return;
  const verdict = found[3]?.toLowerCase();
  session.clientCert ??= {
    cn: found[1] === '' ? null : (found[1] ?? null),
    issuer: found[2] === '' ? null : (found[2] ?? null),
    verified: verdict === undefined ? null : verdict.startsWith('verified'),
  };
}

/** Courier: `AUTH: LOGIN u, TLS: TLS1.3,128bits,ECDHE_…`, old `SSL: TLSv1/SSLv3,128bits,RC4-MD5`. */
function readCourier(comment: string, session: Session): void {
  const found = /(?:^|[ ,])(?:TLS|SSL): ([^, ]+),(\d+)bits,([^, ]+)/.exec(comment);
  if (found?.[3] === undefined || !isCipherName(found[3])) return;
  see(`(TLS: ${found[1]},…)`, session);
  session.version ??= found[1] ?? null;
  session.bits ??= bitsOf(found[2]);
  session.cipher ??= found[3];
}

/** Sendmail, Gmail, Exchange and many: `version=TLSv1.2 cipher=X bits=256/256 verify=NO`. */
function readPairs(words: readonly string[], evidence: string, session: Session): void {
  if (!/^(?:version|cipher)=./i.test(words[0] ?? '')) return;
  for (const word of words) {
    const equals = word.indexOf('=');
    const name = word.slice(0, equals).toLowerCase();
    const value = word.slice(equals + 1);
    if (name === 'version' && !/^none$/i.test(value)) session.version ??= value;
    else if (name === 'cipher' && !/^(?:none|other)$/i.test(value)) session.cipher ??= value;
    else if (name === 'bits') session.bits ??= bitsOf(value);
    else if (name === 'verify') session.verify ??= value;
  }
  if (session.version !== null || session.cipher !== null) see(evidence, session);
}

/** Exim and OpenSMTPD: `TLS1.2:ECDHE_RSA_AES_256_GCM_SHA384:256`, `tls_cipher TLS-1.0:…:32`, `…:256:NO`. */
function readColons(comment: string, session: Session): void {
  const text = comment.replace(/^(?:cipher|tls_cipher) /i, '');
  const [version = '', cipher = '', bits, verify] = text.split(':');
  if (!isCipherName(cipher) || !/^(?:(?:TLS|SSL)[-v]?\d[._\d]*|UNKNOWN)$/i.test(version)) return;
  see(`(${comment})`, session);
  session.version ??= version.toUpperCase() === 'UNKNOWN' ? null : version;
  session.cipher ??= cipher;
  session.bits ??= bitsOf(bits);
  session.verify ??= verify ?? null;
}

/** qmail patches and qpsmtpd: `ECDHE-RSA-AES256-GCM-SHA384 encrypted`, `TLSv1.3 X encrypted`. */
function readEncrypted(comment: string, session: Session): void {
  const words = comment.split(' ');
  const cipher = words.at(-2) ?? '';
  if (words.length > 3 || !isCipherName(cipher)) return;
  see(`(${comment})`, session);
  session.cipher ??= cipher;
  if (words.length === 3) session.version ??= words[0] ?? null;
}

/** chasquid: `over SMTP, TLS-1.3, envelope from "a@b"`; without TLS it says `plain text!`. */
function readChasquid(comment: string, session: Session): void {
  const version = /^over [^,]+, (TLS-\d\.\d),/.exec(comment)?.[1];
  if (version === undefined) return;
  see(`(over …, ${version})`, session);
  session.version ??= version;
}

/** Exim 4.94 and later: `TLS1.3`; mox: `TLS1.3 TLS_AES_128_GCM_SHA256`. */
function readVersionFirst(comment: string, session: Session): void {
  const [version = '', cipher, more] = comment.split(' ');
  if (more !== undefined || readVersion(version) === null) return;
  if (cipher !== undefined && !isCipherName(cipher)) return;
  see(`(${comment})`, session);
  session.version ??= version;
  session.cipher ??= cipher ?? null;
}

/** `tls <suite>` (RFC 8314 §4.3), and the bare words `TLS version=… cipher=…` of old OpenSMTPD. */
function readTlsClause(clause: Clause | null, session: Session): void {
  const word = clause?.words[0];
  if (clause === null || word === undefined) return;
  if (word.startsWith('version=')) {
    readPairs(clause.words, `TLS ${word}`, session);
  } else if (isCipherName(word)) {
    see(`tls ${word}`, session);
    session.cipher ??= word;
  }
}

/** `ESMTP/TLS/<cipher>` of Cisco, `with AES256-SHA encrypted SMTP` of MessageLabs. */
function readWithWords(clauses: Clauses, session: Session): void {
  const words = clauses.with?.words ?? [];
  if (words[1] !== 'encrypted' && words[0]?.includes('/') !== true) return;
  const glued = /^E?SMTPA?\/TLS(?:\/(.+))?$/i.exec(words[0] ?? '');
  const cipher = words[1] === 'encrypted' ? words[0] : glued?.[1];
  if (cipher === undefined || !isCipherName(cipher)) return;
  see(`with ${glued === null ? `${cipher} encrypted` : words[0]}`, session);
  session.cipher ??= cipher;
}

function see(evidence: string, session: Session): void {
  session.evidence ??= evidence;
}

function bitsOf(text: string | undefined): number | null {
  const bits = Number.parseInt(text ?? '', 10);
  return bits > 0 && bits <= 4096 ? bits : null;
}

function describe(session: Session, evidence: string, family: Family): TlsEvidence {
  const suite = session.cipher === null ? null : readSuite(session.cipher);
  const written = session.version === null ? null : readVersion(session.version);
  const is13 = suite?.iana != null && isTls13Suite(suite.iana);
  // TLS_AES_* exist in TLS 1.3 only; Haraka and Cisco write no version.
  const version = written ?? (is13 ? 'TLSv1.3' : null);
  const cipherIana = ianaIn13(suite?.iana ?? null, version, family);
  const group = session.group ?? suite?.group ?? null;
  const tls: Tls = {
    version,
    versionWritten: session.version,
    atLeast: version ?? (cipherIana !== null && isAead(cipherIana) ? 'TLSv1.2' : null),
    cipher: session.cipher,
    cipherIana,
    bits: keyBits(session.bits),
    group,
    keyExchange: session.keyExchange,
    serverSignature: session.serverSignature,
    clientCert: session.clientCert,
    verify: session.verify,
  };
  const flags = weaknesses(version, session.cipher, cipherIana, group);
  if (isImpossible(version, cipherIana)) flags.push('impossible-tls');
  return { tls, flags, evidence };
}

/** Exim with GnuTLS writes a TLS 1.3 session under the name of its TLS 1.2 cousin. */
function ianaIn13(iana: string | null, version: TlsVersion | null, family: Family): string | null {
  if (iana === null || version !== 'TLSv1.3' || family !== 'exim' || isTls13Suite(iana)) return iana;
  const cousin = /^TLS_(?:EC)?DHE_(?:RSA|ECDSA)_WITH_(AES_\d+_GCM_SHA\d+|CHACHA20_POLY1305_SHA256)$/.exec(
    iana,
  );
  return cousin === null ? iana : `TLS_${cousin[1]}`;
}

/** Old Exim counts the key in bytes: 16, 24 and 32 are none of the export ciphers' 40 bits. */
function keyBits(bits: number | null): number | null {
  return bits !== null && bits <= 32 ? bits * 8 : bits;
}

function isImpossible(version: TlsVersion | null, iana: string | null): boolean {
  if (version === null || iana === null) return false;
  if (isTls13Suite(iana) !== (version === 'TLSv1.3')) return true;
  return isAead(iana) && version !== 'TLSv1.2' && version !== 'TLSv1.3';
}
