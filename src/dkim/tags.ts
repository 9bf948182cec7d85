import { trimBlanks } from '../message/blanks.ts';

/** A tag=value list (RFC 6376 §3.2), as signatures, key records and policies use it. */
export type TagList = {
  /** Values by name; white space around a value is gone, the one inside stays. */
  readonly tags: ReadonlyMap<string, string>;
  /** A name stands twice, which makes the whole list void (RFC 6376 §3.2). */
  readonly isVoid: boolean;
  /** What is wrong with the list, such as `the tag d stands twice`; empty when it is well-formed. */
  readonly faults: readonly string[];
};

const NAME = /^[A-Za-z][A-Za-z0-9_]*$/;
/** Printable ASCII without the semicolon, folds, and UTF-8 (RFC 8616 §5). */
const FORBIDDEN = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/;

/**
 * Read a tag list. Names are case-sensitive, and of a name that stands twice the first value is kept; both are
 * told as faults, as is whatever else breaks the grammar.
 */
export function readTags(text: string): TagList {
  const tags = new Map<string, string>();
  const faults: string[] = [];
  let isVoid = false;
  const parts = text.split(';');
  const isClean = !FORBIDDEN.test(text);
  if (parts.length > 1 && (parts.at(-1) ?? '').trim() === '') parts.pop();
  for (const part of parts) {
    const equals = part.indexOf('=');
    const name = trimBlanks(equals === -1 ? part : part.slice(0, equals));
    if (equals === -1 || !NAME.test(name)) {
      faults.push('a part is no tag=value');
      continue;
    }
    const value = trimBlanks(part.slice(equals + 1));
    if (!isClean && FORBIDDEN.test(value)) faults.push(`the tag ${name} has a control character`);
    if (tags.has(name)) {
      isVoid = true;
      faults.push(`the tag ${name} stands twice`);
    } else tags.set(name, value);
  }
  return { tags, isVoid, faults };
}

/** Without any white space: base64, lists and names may be folded anywhere. */
export function withoutWhite(text: string): string {
  return text.replace(/[ \t\r\n]+/g, '');
}
