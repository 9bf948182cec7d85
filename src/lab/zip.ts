import { crc32 } from 'node:zlib';

/** Head of a file in a ZIP archive: what its entry in the list at the end has, too. */
function headOf(name: Buffer, content: Buffer): Buffer {
  const head = Buffer.alloc(26);
  head.writeUInt16LE(20, 0); // version
  head.writeUInt16LE(0x21, 8); // 1980-01-01
  head.writeUInt32LE(crc32(content), 10);
  head.writeUInt32LE(content.length, 14);
  head.writeUInt32LE(content.length, 18);
  head.writeUInt16LE(name.length, 22);
  return head;
}

const signature = (letters: string) => Buffer.from(`PK${letters}`, 'latin1');

/** A ZIP archive of files that are not compressed, by name (APPNOTE 4.3). */
export function zipOf(files: Readonly<Record<string, string>>): Buffer {
  const bodies: Buffer[] = [];
  const list: Buffer[] = [];
  let offset = 0;
  for (const [key, text] of Object.entries(files)) {
    const [name, content] = [Buffer.from(key), Buffer.from(text)];
    const head = headOf(name, content);
    const body = Buffer.concat([signature('\x03\x04'), head, name, content]);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    list.push(signature('\x01\x02'), Buffer.from([20, 0]), head, place, name);
    bodies.push(body);
    offset += body.length;
  }
  const directory = Buffer.concat(list);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(bodies.length, 4);
  end.writeUInt16LE(bodies.length, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...bodies, directory, signature('\x05\x06'), end]);
}
