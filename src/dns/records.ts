import { formatAddress } from '../net/address.ts';
import { type Frame, lowerName, Malformed, Reader } from './reader.ts';
import type { RecordData, RecordType } from './types.ts';

/** Numbers of the types we ask for (IANA, DNS parameters). */
export const TYPE_CODE: Readonly<Record<RecordType, number>> = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  DS: 43,
  DNSKEY: 48,
  TLSA: 52,
  CAA: 257,
};

type Decoders = { readonly [T in RecordType]: (reader: Reader, end: number) => RecordData[T] };

const DECODERS: Decoders = {
  A: (reader) => formatAddress(reader.take(4)),
  AAAA: (reader) => formatAddress(reader.take(16)),
  CNAME: readName,
  NS: readName,
  PTR: readName,
  MX: (reader) => ({ preference: reader.u16(), exchange: readName(reader) }),
  SOA: (reader) => ({
    mname: readName(reader),
    rname: readName(reader),
    serial: reader.u32(),
    refresh: reader.u32(),
    retry: reader.u32(),
    expire: reader.u32(),
    minimum: reader.u32(),
  }),
  SRV: (reader) => ({
    priority: reader.u16(),
    weight: reader.u16(),
    port: reader.u16(),
    target: readName(reader),
  }),
  TXT: readStrings,
  TLSA: (reader, end) => ({
    certUsage: reader.u8(),
    selector: reader.u8(),
    match: reader.u8(),
    data: readRest(reader, end, 'hex'),
  }),
  CAA: (reader, end) => ({
    flags: reader.u8(),
    tag: reader.take(reader.u8()).toString('latin1').toLowerCase(), // RFC 8659 §4.1: compared without case
    value: readRest(reader, end, 'latin1'),
  }),
  DS: (reader, end) => ({
    keyTag: reader.u16(),
    algorithm: reader.u8(),
    digestType: reader.u8(),
    digest: readRest(reader, end, 'hex'),
  }),
  DNSKEY: (reader, end) => ({
    flags: reader.u16(),
    algorithm: readKeyAlgorithm(reader),
    key: readRest(reader, end, 'base64'),
  }),
};

/**
 * Read the data of one record.
 *
 * @param bytes  the whole message, as names may point back into it
 * @throws Malformed when the data does not fill its frame exactly
 */
export function decodeData<T extends RecordType>(type: T, bytes: Buffer, frame: Frame): RecordData[T] {
  const reader = new Reader(bytes, frame.start);
  const data = DECODERS[type](reader, frame.end);
  if (reader.offset !== frame.end) throw new Malformed(`a ${type} record of a wrong length`);
  return data;
}

function readName(reader: Reader): string {
  return lowerName(reader.name());
}

function readRest(reader: Reader, end: number, encoding: 'hex' | 'base64' | 'latin1'): string {
  if (reader.offset > end) throw new Malformed('a record that ends too soon');
  return reader.take(end - reader.offset).toString(encoding);
}

function readStrings(reader: Reader, end: number): string[] {
  const strings: string[] = [];
  while (reader.offset < end) strings.push(reader.take(reader.u8()).toString('latin1'));
  return strings;
}

/** RFC 4034 §2.1.2: the protocol byte before the algorithm is 3 or the key is none. */
function readKeyAlgorithm(reader: Reader): number {
  if (reader.u8() !== 3) throw new Malformed('a DNSKEY of an unknown protocol');
  return reader.u8();
}
