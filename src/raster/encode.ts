import { crc32, deflateSync } from 'node:zlib';
import type { Picture } from './draw.ts';

/** PNG (RFC 2083) of eight bits a channel. */
export function pngOf({ side, pixels }: Picture): Buffer {
  const rows = Buffer.alloc(side * (side * 3 + 1));
  for (let row = 0; row < side; row += 1)
    rows.set(pixels.subarray(row * side * 3, (row + 1) * side * 3), row * (side * 3 + 1) + 1);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

/** Pixels of a band of sixels. */
const BAND = 6;
/** Steps of each channel: 216 colours, which every terminal has room for. */
const LEVELS = 6;

/** Sixel data (DEC STD 070) without the control string around it: colours as parts of a hundred, bands of six rows. */
export function sixelsOf({ side, pixels }: Picture): string {
  const colourAt = (x: number, y: number) => {
    const at = (y * side + x) * 3;
    const [r = 0, g = 0, b = 0] = pixels
      .subarray(at, at + 3)
      .map((value) => Math.round((value / 255) * (LEVELS - 1)));
    return (r * LEVELS + g) * LEVELS + b;
  };
  const used = new Set<number>();
  const bands: string[] = [];
  for (let top = 0; top < side; top += BAND) {
    const rows = new Map<number, number[]>();
    for (let y = top; y < Math.min(side, top + BAND); y += 1)
      for (let x = 0; x < side; x += 1) {
        const colour = colourAt(x, y);
        const row = rows.get(colour) ?? Array.from({ length: side }, () => 0);
        row[x] = (row[x] ?? 0) | (1 << (y - top));
        rows.set(colour, row);
        used.add(colour);
      }
    bands.push([...rows].map(([colour, row]) => `#${colour}${packed(row)}`).join('$'));
  }
  const palette = [...used].map((colour) => `#${colour};2;${percents(colour)}`).join('');
  return `"1;1;${side};${side}${palette}${bands.join('-')}`;
}

function percents(colour: number): string {
  const parts = [
    Math.floor(colour / (LEVELS * LEVELS)),
    Math.floor(colour / LEVELS) % LEVELS,
    colour % LEVELS,
  ];
  return parts.map((part) => Math.round((part * 100) / (LEVELS - 1))).join(';');
}

/** Runs of more than three have a count in front. */
function packed(row: readonly number[]): string {
  let text = '';
  for (let at = 0; at < row.length; ) {
    let end = at;
    while (end < row.length && row[end] === row[at]) end += 1;
    const char = String.fromCharCode(63 + (row[at] ?? 0));
    text += end - at > 3 ? `!${end - at}${char}` : char.repeat(end - at);
    at = end;
  }
  return text;
}
