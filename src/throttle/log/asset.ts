const BLANK = 0x20;
const DOT = 0x2e;
const QUESTION = 0x3f;

/** Names of files that a page brings along, as numbers: a 1 and their bytes. The shortest has two, the longest five. */
const ASSETS: ReadonlySet<number> = new Set(
  'css js mjs png jpg jpeg gif svg webp avif ico woff woff2 ttf'
    .split(' ')
    .map((name) => Buffer.from(name).reduce((sum, byte) => sum * 256 + byte, 1)),
);

function isAssetEnding(bytes: DataView, from: number, to: number): boolean {
  const length = to - from;
  if (length < 2 || length > 5) return false;
  let sum = 1;
  for (let at = from; at < to; at += 1) {
    const byte = bytes.getUint8(at);
    sum = sum * 256 + (byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte);
  }
  return ASSETS.has(sum);
}

/** Whether a request such as `GET /a.css?1 HTTP/1.1` asks for what a page brings along. */
export function hasAsset(bytes: DataView, from: number, to: number): boolean {
  let dot = -1;
  for (let at = from; at < to; at += 1) {
    const byte = bytes.getUint8(at);
    if (byte === DOT) dot = at;
    else if ((byte === BLANK || byte === QUESTION) && dot !== -1) {
      if (isAssetEnding(bytes, dot + 1, at)) return true;
      dot = -1;
    }
  }
  return dot !== -1 && isAssetEnding(bytes, dot + 1, to);
}
