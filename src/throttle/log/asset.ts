import { nextOf } from './bytes.ts';

const BLANK = 0x20;
const DOT = 0x2e;
const QUESTION = 0x3f;
const DOTS = 0x2e2e2e2e;

/** Of the names below, the longest. */
const LONGEST = 5;

/** Names of files that a page brings along, as numbers: a 1 and their bytes. The shortest has two, the longest five. */
const ASSETS: ReadonlySet<number> = new Set(
  'css js mjs png jpg jpeg gif svg webp avif ico woff woff2 ttf'
    .split(' ')
    .map((name) => Buffer.from(name).reduce((sum, byte) => sum * 256 + byte, 1)),
);

function isAssetEnding(bytes: DataView, from: number, to: number): boolean {
  const length = to - from;
  if (length < 2 || length > LONGEST) return false;
  let sum = 1;
  for (let at = from; at < to; at += 1) {
    const byte = bytes.getUint8(at);
    sum = sum * 256 + (byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte);
  }
  return ASSETS.has(sum);
}

/** Whether a request such as `GET /a.css?1 HTTP/1.1` asks for what a page brings along. */
export function hasAsset(bytes: DataView, from: number, to: number): boolean {
  for (let at = nextOf(DOTS, bytes, from, to); at < to; at = nextOf(DOTS, bytes, at + 1, to)) {
    const end = endingEnd(bytes, at + 1, to);
    if (end !== -1 && isAssetEnding(bytes, at + 1, end)) return true;
  }
  return false;
}

/** Where a blank or a question mark follows; -1 when there is none near enough, or another dot before it. */
function endingEnd(bytes: DataView, from: number, to: number): number {
  for (let at = from; at <= from + LONGEST; at += 1) {
    const byte = at < to ? bytes.getUint8(at) : BLANK;
    if (byte === BLANK || byte === QUESTION) return at;
    if (byte === DOT) return -1;
  }
  return -1;
}
