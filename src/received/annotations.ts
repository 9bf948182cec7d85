import type { Field } from '../message/headers.ts';
import { isNamed } from './names.ts';
import type { TrustOptions } from './trust.ts';
import type { Annotation, Hop } from './types.ts';

const MAX_VALUE = 1000;
const MAX_ANNOTATIONS = 200;

/**
 * Fields beside Received that tell of the way, in the order of the message. Authentication-Results are kept
 * only where they are our own: of an authserv-id that is one of our servers, above the border's Received
 * field (RFC 8601 §5); everybody may write the others.
 */
export function annotate(
  fields: readonly Field[],
  hops: readonly Hop[],
  border: Hop | null,
  options: TrustOptions,
): Annotation[] {
  const annotations: Annotation[] = [];
  for (const field of fields) {
    const kind = kindOf(field.name);
    if (kind === null || annotations.length === MAX_ANNOTATIONS) continue;
    const trusted = border === null ? hops.length > 0 : field.range[0] < border.range[0];
    if (kind === 'authentication-results' && !(trusted && isOurs(field, hops, options))) continue;
    annotations.push({
      kind,
      name: field.name,
      value: field.value.slice(0, MAX_VALUE),
      instance: kind === 'arc' ? instanceOf(field.value) : null,
      afterHop: hops.findLast((hop) => hop.range[0] > field.range[0])?.index ?? null,
      trusted,
      range: field.range,
    });
  }
  return annotations;
}

function kindOf(written: string): Annotation['kind'] | null {
  const start = written.charCodeAt(0) | 0x20;
  if (start !== 0x61 && start !== 0x78) return null; // a…, x-…
  const name = written.toLowerCase();
  if (name === 'x-received') return 'x-received';
  if (name === 'authentication-results') return 'authentication-results';
  if (name === 'x-originating-ip') return 'origin';
  if (name.startsWith('x-ms-exchange-organization-')) return 'exchange';
  return /^arc-(?:seal|message-signature|authentication-results)$/.test(name) ? 'arc' : null;
}

/** RFC 8601 §2.2: the first word, before the version and the first semicolon. */
function authservId(value: string): string | null {
  return /^\s*(?:\([^)]*\)\s*)?"?([^\s;"]+)/.exec(value)?.[1] ?? null;
}

/** RFC 8617 §4.2.1: `i=`, 1 to 50. */
function instanceOf(value: string): number | null {
  const instance = Number(/(?:^|;)\s*i\s*=\s*(\d{1,2})\s*(?:;|$)/.exec(value)?.[1]);
  return instance >= 1 && instance <= 50 ? instance : null;
}

function isOurs(field: Field, hops: readonly Hop[], options: TrustOptions): boolean {
  return isNamed(authservId(field.value), ownNames(hops, options));
}

function ownNames(hops: readonly Hop[], options: TrustOptions): string[] {
  const written = hops.filter((hop) => hop.trusted).map((hop) => hop.by);
  return [...written, ...(options.trustedBy ?? []), ...(options.mxHosts ?? [])].filter(
    (name) => name !== null,
  );
}
