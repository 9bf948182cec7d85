import { Command, type SlotNumber } from './commands.ts';
import { atLeast, type Version } from './version.ts';
import type { Wire } from './wire.ts';
import { type Change, change } from './write.ts';

/** Beginnings of addresses that take one byte in an NDEF record, by that byte less one (NFC Forum, URI record type). */
const PREFIXES = [
  ...['http://www.', 'https://www.', 'http://', 'https://', 'tel:', 'mailto:'],
  ...[
    'ftp://anonymous:anonymous@',
    'ftp://ftp.',
    'ftps://',
    'sftp://',
    'smb://',
    'nfs://',
    'ftp://',
    'dav://',
  ],
  ...['news:', 'telnet://', 'imap:', 'rtsp://', 'urn:', 'pop:', 'sip:', 'sips:', 'tftp:', 'btspp://'],
  ...['btl2cap://', 'btgoep://', 'tcpobex://', 'irdaobex://', 'file://', 'urn:epc:id:', 'urn:epc:tag:'],
  ...['urn:epc:pat:', 'urn:epc:raw:', 'urn:epc:', 'urn:nfc:'],
] as const;

/** Room for the content of a record, in bytes. */
const ROOM = 54;

/** What a telephone reads from a key that is held to it; the OTP of the slot is put behind. */
export type Ndef = { readonly kind: 'uri' | 'text'; readonly content: string };

/**
 * A record as the key takes it: length, type, content, and six bytes for an access code, which are zero: keys take
 * no record for a protected slot, not even with the code.
 *
 * @returns undefined when it is longer than a key holds
 */
export function ndefPayload({ kind, content }: Ndef): Buffer | undefined {
  const longest = PREFIXES.filter((prefix) => content.startsWith(prefix)).toSorted(
    (a, b) => b.length - a.length,
  )[0];
  const index = longest === undefined ? 0 : PREFIXES.indexOf(longest) + 1;
  const data =
    kind === 'text'
      ? Buffer.from(`\x02en${content}`)
      : Buffer.concat([Uint8Array.of(index), Buffer.from(content.slice(longest?.length ?? 0))]);
  if (data.length > ROOM) return undefined;
  const payload = Buffer.alloc(2 + ROOM + 6);
  payload.set([data.length, (kind === 'uri' ? 'U' : 'T').charCodeAt(0)]);
  payload.set(data, 2);
  return payload;
}

/** Whether a key has a radio: a NEO, or one from 5.0 on that says so. */
export function hasNdef(version: Version, overNfc: readonly unknown[]): boolean {
  if (atLeast(version, [5, 0, 0])) return overNfc.length > 0;
  return version[0] === 3;
}

/** Write a record for a slot. */
export function writeNdef(wire: Wire, slot: SlotNumber, payload: Uint8Array): Promise<Change> {
  return change(wire, slot === 1 ? Command.ndef1 : Command.ndef2, payload, () => true);
}
