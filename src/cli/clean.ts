/**
 * What a terminal, or a reader's eye, would obey instead of show: C0 and C1 controls with ESC and DEL, bidi
 * controls, zero-width and other invisible format characters, line separators, tag characters, lone
 * surrogates, variation selectors beyond the emoji one.
 */
const UNSAFE =
  // biome-ignore lint/suspicious/noMisleadingCharacterClass: these are meant one by one
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff9-\ufffb]|\u034f|[\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]|[\ud800-\udfff]/gu;

const SAFE_ASCII = /^[\x20-\x7e]*$/;

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escapeOne(char: string): string {
  const point = char.codePointAt(0) ?? 0;
  if (point < 0x100) return SHORT[char] ?? `\\x${point.toString(16).padStart(2, '0')}`;
  return point > 0xffff ? `\\u{${point.toString(16)}}` : `\\u${point.toString(16).padStart(4, '0')}`;
}

/**
 * Make a string from outside safe to show on one line of a terminal: what is dangerous becomes visible
 * (`\x1b`, `\u202e`), everything else stays as it is.
 */
export function clean(text: string): string {
  return SAFE_ASCII.test(text) ? text : text.replace(UNSAFE, escapeOne);
}

/** What is not printable ASCII or a line break: few documents have much of it, so only this is looked at closely. */
const UNUSUAL = /[^\n\x20-\x7e]+/g;

/** Each code unit as JSON writes it (RFC 8259 §7). */
function escapeUnits(char: string): string {
  let escaped = '';
  for (let at = 0; at < char.length; at += 1)
    escaped += `\\u${char.charCodeAt(at).toString(16).padStart(4, '0')}`;
  return escaped;
}

/**
 * The same JSON with whatever {@link clean} finds dangerous written as an escape: still every character of the
 * value, but nothing that a terminal would obey. Line breaks outside of strings stay.
 *
 * @param json  as `JSON.stringify` makes it, which escapes what is below a space
 */
export function escapeJson(json: string): string {
  // Most is ASCII, and to count its bytes takes a sixth of the time of looking at each.
  if (Buffer.byteLength(json) === json.length && !json.includes('\x7f')) return json;
  return json.replace(UNUSUAL, (run) => run.replace(UNSAFE, escapeUnits));
}

/** A value as JSON that does not make a terminal do anything either; every reader gets the same characters. */
export function safeJson(value: unknown, indent = 0): string {
  return escapeJson(JSON.stringify(value, null, indent));
}
