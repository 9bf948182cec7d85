/** What JSON can say. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [name: string]: Json | undefined };

/**
 * The one spelling of a value (RFC 8785): no blanks, members sorted by UTF-16 code units, numbers and strings as
 * ECMAScript writes them. Members that are undefined are left out.
 *
 * @throws {TypeError} for what has no spelling: a number that is not finite, half a surrogate pair
 */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object' && value !== null) return canonicalObject(value as Record<string, Json>);
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new TypeError(`${value} has no place in JSON`);
  if (typeof value === 'string') return canonicalString(value);
  return JSON.stringify(value);
}

function canonicalObject(value: Readonly<Record<string, Json | undefined>>): string {
  const members = Object.entries(value)
    .filter((member): member is [string, Json] => member[1] !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, each]) => `${canonicalString(name)}:${canonicalJson(each)}`);
  return `{${members.join(',')}}`;
}

function canonicalString(text: string): string {
  if (!text.isWellFormed()) throw new TypeError('half a surrogate pair has no place in JSON');
  return JSON.stringify(text);
}
