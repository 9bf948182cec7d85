import { hash } from 'node:crypto';
import { keptLogoName, MAX_LOGO_BYTES } from '../registry/logos.ts';
import type { Check } from '../report.ts';
import { sanitiseSvg } from '../svg/sanitise.ts';
import type { Logo } from '../trust/registry.ts';

/** A logo to be shown, or why there is none. */
export type ReadLogo =
  | { readonly kind: 'shown'; readonly dataUri: string }
  /** `reason` is the end of a sentence that begins with the logo. */
  | { readonly kind: 'refused'; readonly reason: string };

/** Largest logo, in bytes. */
export const MAX_LOGO = MAX_LOGO_BYTES;

const PNG = Buffer.from('89504e470d0a1a0a', 'hex');
/** Pixels on a side. */
const MAX_SIDE = 1024;

/** Check a logo file against what the list says of it, and make it harmless. */
export function readLogo(bytes: Uint8Array, { mediaType, sha256 }: Logo): ReadLogo {
  if (bytes.length > MAX_LOGO) return refused(`is larger than ${MAX_LOGO / 1024} KiB`);
  if (hash('sha256', bytes) !== sha256)
    return refused('is not the one that the list names: its digest differs');
  if (mediaType === 'image/png') return png(bytes);
  const svg = sanitiseSvg(bytes);
  return svg.kind === 'safe' ? shown('image/svg+xml', Buffer.from(svg.svg)) : svg;
}

/** A logo as a mediator publishes it, or why it may not be. */
export type PreparedLogo =
  | {
      readonly kind: 'ready';
      readonly bytes: Uint8Array;
      readonly mediaType: 'image/svg+xml' | 'image/png';
      readonly sha256: string;
    }
  /** `reason` is the end of a sentence that begins with the logo. */
  | { readonly kind: 'refused'; readonly reason: string };

/** Make a logo harmless, as it is to be published: an SVG is written anew, a PNG stays as it is. */
export function prepareLogo(bytes: Uint8Array): PreparedLogo {
  const mediaType = PNG.equals(bytes.subarray(0, PNG.length)) ? 'image/png' : 'image/svg+xml';
  const svg = mediaType === 'image/png' ? null : sanitiseSvg(bytes);
  if (svg?.kind === 'refused') return svg;
  const safe = svg === null ? bytes : Buffer.from(svg.svg);
  const sha256 = hash('sha256', safe);
  const read = readLogo(safe, { mediaType, sha256, file: keptLogoName({ mediaType, sha256 }) });
  return read.kind === 'refused' ? read : { kind: 'ready', bytes: safe, mediaType, sha256 };
}

/** PNG (RFC 2083): its signature, then the header chunk with the size. */
function png(bytes: Uint8Array): ReadLogo {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.length < 33 || !view.subarray(0, 8).equals(PNG) || view.toString('latin1', 12, 16) !== 'IHDR')
    return refused('is no PNG');
  const sides = [view.readUInt32BE(16), view.readUInt32BE(20)];
  if (sides.some((side) => side === 0 || side > MAX_SIDE))
    return refused(`is not between 1 and ${MAX_SIDE} pixels wide and high`);
  return shown('image/png', view);
}

function refused(reason: string): ReadLogo {
  return { kind: 'refused', reason };
}

function shown(mediaType: string, bytes: Buffer): ReadLogo {
  return { kind: 'shown', dataUri: `data:${mediaType};base64,${bytes.toString('base64')}` };
}

/** Tells that a company has two letters instead of its logo. */
export function logoNote(name: string, reason: string): Check {
  const message = `The logo of ${name} ${reason}; two letters stand in its place.`;
  return { id: 'view.logo', status: 'ok', info: true, message };
}
