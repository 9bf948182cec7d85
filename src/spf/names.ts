import { domainToASCII } from 'node:url';

const MAX_NAME = 253;

/** @returns A-labels in lower case without the final dot (RFC 8616 §4); the text itself where it has none */
export function asciiName(text: string): string {
  const name = text.replace(/\.$/, '');
  if (/^[\0-\x7f]*$/.test(name)) return name.toLowerCase();
  return domainToASCII(name) || name.toLowerCase();
}

/** A name that is too long loses labels from the left (RFC 7208 §7.3). */
export function shortened(name: string): string {
  let rest = name;
  while (rest.length > MAX_NAME && rest.includes('.')) rest = rest.slice(rest.indexOf('.') + 1);
  return rest;
}

/** RFC 7208 §7.1: toplabel, which is never only digits. */
export const TOP_LABEL = /^(?=.*[a-z-])[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/i;

/**
 * Whether a name can be asked: two labels at least, each of 1 to 63 printable characters, the last one such that a
 * top-level domain can have it (RFC 7208 §4.3).
 */
export function isAskable(name: string): boolean {
  const labels = name.split('.');
  if (labels.length < 2 || name.length > MAX_NAME) return false;
  if (!TOP_LABEL.test(labels.at(-1) ?? '')) return false;
  return labels.every((label) => /^[\x20-\x7e]{1,63}$/.test(label));
}

/** @returns whether a name is the domain or lies below it */
export function isWithin(name: string, domain: string): boolean {
  return name === domain || name.endsWith(`.${domain}`);
}
