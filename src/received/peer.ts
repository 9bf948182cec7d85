import { readAddress, type WrittenAddress } from './address.ts';
import type { Clause, Clauses } from './clauses.ts';
import type { Family } from './software.ts';
import type { Peer } from './types.ts';

/** What the from clause says, and which way of writing it was. */
export type FromClause = {
  readonly peer: Peer;
  /** The name was verified to be missing or wrong: `(may be forged)`, `unverified`. */
  readonly mayBeForged: boolean;
  /** `name (192.0.2.1)` or `name (HELO x) (192.0.2.1)`: the address in round brackets without square ones. */
  readonly roundAddress: boolean;
};

const EMPTY: Clause = { words: [], comments: [] };

/** What is gathered from the words and comments; several places may tell the same. */
type Found = {
  helo: string | null;
  /** A HELO was written down, be it empty. */
  heloGiven: boolean;
  rdns: string | null;
  ip: WrittenAddress | null;
  port: number | null;
  ident: string | null;
  mayBeForged: boolean;
  roundAddress: boolean;
  /** A comment that is one word and no address. */
  aside: string | null;
};

/**
 * Read the client from the from clause. The same words mean different things to different servers: Exim
 * puts the verified name first and the HELO in `helo=`, qmail puts it in `(HELO …)`, the rest put the HELO
 * first and the verified name in front of the address.
 */
export function readPeer(clauses: Clauses, family: Family): FromClause {
  const clause = clauses.from ?? fromInBrackets(clauses.lead) ?? EMPTY;
  const found: Found = {
    helo: null,
    heloGiven: false,
    rdns: null,
    ip: null,
    port: null,
    ident: null,
    mayBeForged: false,
    roundAddress: false,
    aside: null,
  };
  for (const comment of clause.comments) readComment(comment, found);
  const name = readWords(clause.words, found);
  settle(name, found, family);
  const peer = {
    helo: plainName(found.helo),
    rdns: plainName(found.rdns),
    ip: found.ip?.ip ?? null,
    port: found.ip?.port ?? found.port,
    ident: found.ident ?? found.ip?.ident ?? null,
  };
  return { peer, mayBeForged: found.mayBeForged, roundAddress: found.roundAddress };
}

/** `(from host [192.0.2.1]) by …` of InterScan. */
function fromInBrackets(lead: Clause): Clause | null {
  const comment = lead.comments.find((text) => /^from /i.test(text));
  return comment === undefined ? null : { words: comment.slice(5).split(' '), comments: [] };
}

function readComment(comment: string, found: Found): void {
  const helo = heloIn(comment);
  if (helo !== null) giveHelo(helo, found);
  else if (!comment.includes(' ')) readSingle(comment, found);
  else if (!isAboutSomethingElse(comment)) readParts(comment.split(' '), found);
}

/** `HELO x`, `EHLO x`, `LHLO x`, and `account u@y HELO x` of CommuniGate; null when it is none of these. */
function heloIn(comment: string): string | null {
  switch (comment.charCodeAt(0) | 0x20) {
    case 0x65: // e
    case 0x68: // h
    case 0x6c: // l
      return /^(?:HELO|[EL]HLO)(?:$| )/i.test(comment) ? comment.slice(5) : null;
    case 0x61: // a
      return / HELO (\S+)$/.exec(comment)?.[1] ?? null;
    default:
      return null;
  }
}

function isAboutSomethingElse(comment: string): boolean {
  return /^(?:using |client |no client|account |auth|envelope|tls:|ssl:|squirrel|nasmail)/i.test(comment);
}

function giveHelo(said: string, found: Found): void {
  found.heloGiven = true;
  found.helo = said.trim();
}

/** A comment of one word: an address, `helo=…`, or a name. */
function readSingle(word: string, found: Found): void {
  if (readPair(word, found)) return;
  const address = readAddress(word);
  if (address === null) {
    found.aside ??= word;
    return;
  }
  found.roundAddress = !word.includes('[');
  found.ip ??= address;
  const open = word.indexOf('[');
  if (open > 0 && address.ident === null) found.rdns ??= word.slice(0, open); // localhost[127.0.0.1]
}

/** `rdns [ip]`, `[ip]:port helo=x`, `unknown [ip] (may be forged)`, `[ip] rdns`, `[ip]:port "EHLO x"`. */
function readParts(parts: readonly string[], found: Found): void {
  let name: string | null = null;
  let address: WrittenAddress | null = null;
  for (let index = 0; index < parts.length; index += 1) {
    const part = parts[index] ?? '';
    if (part.startsWith('(')) {
      found.mayBeForged ||= part === '(may';
      break; // an inner comment
    }
    if (part === '"EHLO' || part === '"HELO') {
      giveHelo((parts[index + 1] ?? '').replace('"', ''), found);
      break;
    }
    if (part === '' || readPair(part, found)) continue;
    const written = readAddress(part);
    if (written !== null) address ??= written;
    else name ??= readName(part, found);
  }
  if (address === null) return; // words without an address name no host
  found.ip ??= address;
  found.rdns ??= name;
}

/** `helo=x`, `port=25`, `ident=x` of Exim and Momentum. */
function readPair(part: string, found: Found): boolean {
  const equals = part.indexOf('=');
  if (equals === -1) return false;
  const name = part.slice(0, equals).toLowerCase();
  const value = part.slice(equals + 1);
  if (name === 'helo' || name === 'ehlo') giveHelo(value, found);
  else if (name === 'port') found.port = Number.parseInt(value, 10) || null;
  else if (name === 'ident') found.ident = value;
  else return false;
  return true;
}

const NO_NAME = new Set(['unknown', '[unknown]', 'unverified', 'verified', 'softdnserr', 'rdns', 'failed']);

/** @returns the word if it can be a host; remembers that the name was not verified */
function readName(part: string, found: Found): string | null {
  const word = part.toLowerCase();
  if (word === 'unverified') found.mayBeForged = true;
  return NO_NAME.has(word) || part.startsWith('"') || part.includes('@') ? null : part;
}

/** @returns the first word, which is a name or an address */
function readWords(words: readonly string[], found: Found): string | null {
  for (let index = 1; index < words.length; index += 1) {
    const word = withoutComma(words[index] ?? '');
    const address = readAddress(word);
    if (address !== null) found.ip ??= address;
    // Obtuse: `claiming to be "x"`
    if (word === 'be' && words[index - 1] === 'to')
      giveHelo((words[index + 1] ?? '').replaceAll('"', ''), found);
  }
  const [name] = words;
  return name === undefined ? null : withoutComma(name);
}

function withoutComma(word: string): string {
  return word.endsWith(',') ? word.slice(0, -1) : word;
}

/** Decide what the first word is: HELO, verified name or the address itself. */
function settle(name: string | null, found: Found, family: Family): void {
  if (name === null) return;
  const address = readAddress(name);
  if (address !== null) {
    settleLiteral(name, address, found, family);
    return;
  }
  const named = name.length === 7 && name.toLowerCase() === 'unknown' ? null : name;
  if (found.heloGiven) {
    found.rdns ??= named;
  } else if (found.aside !== null && found.ip !== null && found.rdns === null && !found.roundAddress) {
    // Exim 3: "from rdns (helo) [ip]"
    found.helo = /^(?:unknown|-)$/i.test(found.aside) ? null : found.aside;
    found.rdns = named;
  } else {
    found.helo = name;
    if (found.rdns === null && namesVerifiedHost(found, family)) found.rdns = named;
  }
}

/** Without a HELO of its own, these servers mean that HELO and verified name were the same. */
function namesVerifiedHost(found: Found, family: Family): boolean {
  if (found.ip === null) return false;
  if (found.roundAddress) return family === 'qmail' || family === 'critical-path' || family === 'obtuse';
  return family === 'exim' || family === 'communigate';
}

/** `[192.0.2.1] …`: the HELO was a literal, or the server found no name and wrote the address. */
function settleLiteral(name: string, address: WrittenAddress, found: Found, family: Family): void {
  const separate = found.ip !== null;
  found.ip ??= address;
  if (found.heloGiven || family === 'exim' || family === 'communigate') return;
  if (found.aside !== null && family === 'chasquid') {
    giveHelo(found.aside, found);
  } else if (separate ? family !== 'momentum' : name.startsWith('[')) {
    found.helo = name;
  }
}

/** Without the brackets of a literal and the final dot of the DNS; null for an empty name. */
function plainName(name: string | null): string | null {
  if (name === null) return null;
  let text = name;
  if (text.startsWith('[') && text.endsWith(']')) text = text.slice(1, -1);
  if (text.endsWith('.')) text = text.slice(0, -1);
  return text === '' ? null : text;
}
