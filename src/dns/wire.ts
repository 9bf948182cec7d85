/**
 * Queries and replies as bytes (RFC 1035 §4, RFC 6891). The only file that imports `dns-packet`, which writes
 * our queries. Replies are read by {@link Reader}: `dns-packet` joins the labels of a name as UTF-8, so that a
 * dot inside a label is lost, and gives up on a whole message for one record that nobody asked for.
 */
import {
  type Answer,
  AUTHENTIC_DATA,
  CHECKING_DISABLED,
  DNSSEC_OK,
  encode,
  RECURSION_DESIRED,
} from 'dns-packet';
import { extendedErrorName, rcodeName } from './codes.ts';
import { type Frame, lowerName, MAX_RECORDS, Malformed, Reader } from './reader.ts';
import { decodeData, TYPE_CODE } from './records.ts';
import type { ExtendedError, RecordData, RecordType } from './types.ts';

/** What is asked. */
export type Question<T extends RecordType = RecordType> = {
  /** Lower case without the final dot, `.` for the root; printable ASCII without escapes. */
  readonly name: string;
  readonly type: T;
  /** CD: the answer is wanted even if it does not validate (RFC 4035 §3.2.2). */
  readonly checkingDisabled: boolean;
  /** Ask with an OPT record; old servers refuse it. */
  readonly edns: boolean;
};

/** A question as it goes out. */
export type Query<T extends RecordType = RecordType> = {
  readonly question: Question<T>;
  readonly id: number;
  /** The name in the case it was sent in. */
  readonly sentName: string;
  readonly bytes: Buffer;
};

/** How a question is dressed for the way it takes. */
export type Dress = {
  readonly id: number;
  /** Bits that choose the case of letters (draft-vixie-dnsext-dns0x20); null sends lower case. */
  readonly caseBits: Uint8Array | null;
  /** Pad to whole blocks so that the length tells less (RFC 8467 §4.1); for encrypted ways. */
  readonly pad: boolean;
};

/** One record of the kind that was asked for. */
export type ReplyRecord<D> = { readonly owner: string; readonly ttl: number; readonly data: D };

/** What of a reply is believed to be an answer to the question. */
export type Reply<T extends RecordType = RecordType> = {
  readonly rcode: string;
  readonly authoritative: boolean;
  readonly truncated: boolean;
  readonly recursionAvailable: boolean;
  readonly authenticData: boolean;
  /** The server speaks EDNS. */
  readonly edns: boolean;
  /** Records of the type asked for, under any name. */
  readonly records: readonly ReplyRecord<RecordData[T]>[];
  /** CNAME records; empty when CNAME is what was asked for. */
  readonly aliases: readonly ReplyRecord<string>[];
  /** From the SOA of a denial: seconds it may be kept (RFC 2308 §5); null without SOA. */
  readonly negativeTtl: number | null;
  /** Name servers but no SOA in the authority section: perhaps a referral. */
  readonly delegation: boolean;
  readonly ede: readonly ExtendedError[];
};

export type Decoded<T extends RecordType> =
  | { readonly kind: 'reply'; readonly reply: Reply<T> }
  /** Well formed, but not to this query: another id, name or type, or the name in another case. */
  | { readonly kind: 'foreign'; readonly what: 'id' | 'question' | 'case' }
  | { readonly kind: 'malformed'; readonly reason: string };

/** RFC 9715 and the DNS flag day of 2020: what passes everywhere without fragments. */
const UDP_PAYLOAD_BYTES = 1232;
const PADDING_BLOCK_BYTES = 128;
const TYPE_OPT = 41;
const TYPE_SOA = 6;
const TYPE_NS = 2;
const CLASS_IN = 1;
const OPTION_EDE = 15;
const MAX_EXTENDED_ERRORS = 8;
const MAX_EDE_TEXT_BYTES = 256;

/** @param question  its name must be askable ({@link isAskable}) */
export function buildQuery<T extends RecordType>(question: Question<T>, dress: Dress): Query<T> {
  const sentName = dress.caseBits === null ? question.name : mixCase(question.name, dress.caseBits);
  const plain = encodeQuery(question, sentName, dress.id, null);
  if (!dress.pad || !question.edns) return { question, id: dress.id, sentName, bytes: plain };
  const padding = -(plain.length + 4) & (PADDING_BLOCK_BYTES - 1);
  return { question, id: dress.id, sentName, bytes: encodeQuery(question, sentName, dress.id, padding) };
}

function encodeQuery(question: Question, sentName: string, id: number, padding: number | null): Buffer {
  // RFC 6840 §5.7: AD in a query asks for AD in the reply, even from what does not know DO.
  const flags = RECURSION_DESIRED | AUTHENTIC_DATA | (question.checkingDisabled ? CHECKING_DISABLED : 0);
  return encode({
    type: 'query',
    id,
    flags,
    questions: [{ name: sentName, type: question.type, class: 'IN' }],
    additionals: question.edns ? [optRecord(padding)] : [],
  });
}

function optRecord(padding: number | null): Answer {
  return {
    type: 'OPT',
    name: '.',
    udpPayloadSize: UDP_PAYLOAD_BYTES,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: DNSSEC_OK,
    flag_do: true,
    options: padding === null ? [] : [{ code: 12, type: 'PADDING', length: padding }],
  };
}

/** One random bit a character; what is no letter spends its bit in vain. */
function mixCase(name: string, bits: Uint8Array): string {
  return Array.from(name, (character, index) => {
    const bit = ((bits[(index >> 3) % bits.length] ?? 0) >> (index & 7)) & 1;
    return bit === 1 ? character.toUpperCase() : character;
  }).join('');
}

/**
 * Read what came back. Never throws; what is wrong with the bytes is the value.
 *
 * @param bytes  from anywhere at all, up to 65,535
 * @param query  what was sent: id, name, type and class have to come back as they were
 */
export function decodeReply<T extends RecordType>(bytes: Buffer, query: Query<T>): Decoded<T> {
  try {
    return readReply(bytes, query);
  } catch (error) {
    if (error instanceof Malformed) return { kind: 'malformed', reason: error.message };
    throw error;
  }
}

type Header = {
  readonly id: number;
  readonly flags: number;
  readonly questions: number;
  readonly answers: number;
  readonly authorities: number;
  readonly additionals: number;
};

function readHeader(reader: Reader): Header {
  return {
    id: reader.u16(),
    flags: reader.u16(),
    questions: reader.u16(),
    answers: reader.u16(),
    authorities: reader.u16(),
    additionals: reader.u16(),
  };
}

function readReply<T extends RecordType>(bytes: Buffer, query: Query<T>): Decoded<T> {
  const reader = new Reader(bytes);
  const header = readHeader(reader);
  if (header.id !== query.id) return { kind: 'foreign', what: 'id' };
  // QR set and an ordinary query: an echo of our own bytes is not a reply.
  if ((header.flags & 0xf800) !== 0x8000) throw new Malformed('not a reply to a query');
  const what = judgeQuestion(reader, header, query);
  if (what !== null) return { kind: 'foreign', what };
  return { kind: 'reply', reply: readSections(reader, header, query.question.type) };
}

/** @returns null when the question came back as it was sent, else what differs */
function judgeQuestion(reader: Reader, header: Header, query: Query): 'question' | 'case' | null {
  // Servers that do not understand a query at all may leave it out; they get a simpler one.
  if (header.questions === 0) return [1, 4].includes(header.flags & 0xf) ? null : 'question';
  if (header.questions !== 1) throw new Malformed('more than one question');
  const name = reader.name();
  const type = reader.u16();
  const klass = reader.u16();
  if (type !== TYPE_CODE[query.question.type] || klass !== CLASS_IN) return 'question';
  if (name === query.sentName) return null;
  return lowerName(name) === query.question.name ? 'case' : 'question';
}

function readSections<T extends RecordType>(reader: Reader, header: Header, type: T): Reply<T> {
  const truncated = (header.flags & 0x0200) !== 0;
  if (truncated)
    return assemble(reader.bytes, header, type, { answers: [], authorities: [], additionals: [] });
  if (header.answers + header.authorities + header.additionals > MAX_RECORDS)
    throw new Malformed(`more than ${MAX_RECORDS} records`);
  return assemble(reader.bytes, header, type, {
    answers: readFrames(reader, header.answers),
    authorities: readFrames(reader, header.authorities),
    additionals: readFrames(reader, header.additionals),
  }); // bytes behind the last record are nobody's and are not looked at
}

type Sections = {
  readonly answers: readonly Frame[];
  readonly authorities: readonly Frame[];
  readonly additionals: readonly Frame[];
};

function readFrames(reader: Reader, count: number): Frame[] {
  return Array.from({ length: count }, () => reader.frame());
}

function assemble<T extends RecordType>(
  bytes: Buffer,
  header: Header,
  type: T,
  sections: Sections,
): Reply<T> {
  const options = sections.additionals.filter((frame) => frame.type === TYPE_OPT);
  if (options.length > 1) throw new Malformed('more than one OPT record'); // RFC 6891 §6.1.1
  const opt = options[0];
  const soa = sections.authorities.find((frame) => frame.type === TYPE_SOA && frame.class === CLASS_IN);
  return {
    rcode: rcodeName((header.flags & 0xf) | (opt === undefined ? 0 : (opt.ttl >>> 24) << 4)),
    authoritative: (header.flags & 0x0400) !== 0,
    truncated: (header.flags & 0x0200) !== 0,
    recursionAvailable: (header.flags & 0x0080) !== 0,
    authenticData: (header.flags & 0x0020) !== 0,
    edns: opt !== undefined,
    records: readRecords(bytes, sections.answers, type),
    aliases: type === 'CNAME' ? [] : readRecords(bytes, sections.answers, 'CNAME'),
    negativeTtl: soa === undefined ? null : negativeTtl(bytes, soa),
    delegation: soa === undefined && sections.authorities.some((frame) => frame.type === TYPE_NS),
    ede: opt === undefined ? [] : readExtendedErrors(bytes, opt),
  };
}

function readRecords<T extends RecordType>(
  bytes: Buffer,
  frames: readonly Frame[],
  type: T,
): ReplyRecord<RecordData[T]>[] {
  return frames
    .filter((frame) => frame.type === TYPE_CODE[type] && frame.class === CLASS_IN)
    .map((frame) => ({ owner: frame.owner, ttl: lifetime(frame), data: decodeData(type, bytes, frame) }));
}

function negativeTtl(bytes: Buffer, soa: Frame): number {
  return Math.min(lifetime(soa), decodeData('SOA', bytes, soa).minimum);
}

/** RFC 2181 §8: with the top bit set it is zero. */
function lifetime(frame: Frame): number {
  return frame.ttl > 0x7fff_ffff ? 0 : frame.ttl;
}

/** RFC 8914 §2; other options are passed over. */
function readExtendedErrors(bytes: Buffer, opt: Frame): ExtendedError[] {
  const reader = new Reader(bytes, opt.start);
  const errors: ExtendedError[] = [];
  while (reader.offset < opt.end) {
    const option = reader.u16();
    const data = reader.take(reader.u16());
    if (reader.offset > opt.end) throw new Malformed('an option that is longer than its record');
    if (option !== OPTION_EDE || data.length < 2 || errors.length === MAX_EXTENDED_ERRORS) continue;
    const code = data.readUInt16BE(0);
    const text = data.toString('utf8', 2, Math.min(data.length, 2 + MAX_EDE_TEXT_BYTES));
    errors.push({ code, name: extendedErrorName(code), text: text.replace(/\0+$/, '') });
  }
  return errors;
}
