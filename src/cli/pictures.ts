import { drawLogo, type Picture } from '../raster/draw.ts';
import { pngOf, sixelsOf } from '../raster/encode.ts';
import { sanitiseSvg } from '../svg/sanitise.ts';
import type { LogoProtocol } from './logo-protocol.ts';
import type { Overlay } from './text.ts';

/** A logo in a row, and on a page. */
export type LogoPictures = { readonly small: Overlay; readonly large: Overlay };

/** Rows of text that a picture takes; it is twice as many columns wide. */
const ROWS = { small: 1, large: 4 };
/** Pixels of a row of text, as far as nobody knows: kitty and iTerm2 fit the picture to the rows themselves. */
const ROW_PIXELS = 36;
/** Sixels are as large as they are: a row of most fonts has more than this, and a picture that is lower harms nothing. */
const SIXEL_ROW_PIXELS = 18;
const KITTY_CHUNK = 4096;
const SVG = 'data:image/svg+xml;base64,';

/**
 * Draw logos for a terminal: by us, from what was made harmless, so that a terminal never reads a file of others. What is
 * no SVG, or is not drawn here, keeps its two letters.
 *
 * @param logos  data URIs by any key
 */
export function drawLogos(
  logos: ReadonlyMap<string, string>,
  protocol: LogoProtocol,
): ReadonlyMap<string, LogoPictures> {
  const drawn = new Map<string, LogoPictures>();
  for (const [key, uri] of logos) {
    const svg = uri.startsWith(SVG) ? sanitiseSvg(Buffer.from(uri.slice(SVG.length), 'base64')) : null;
    if (svg?.kind !== 'safe') continue;
    const rowPixels = protocol === 'sixel' ? SIXEL_ROW_PIXELS : ROW_PIXELS;
    const small = drawLogo(svg.root, ROWS.small * rowPixels);
    const large = drawLogo(svg.root, ROWS.large * rowPixels);
    if (small === null || large === null) continue;
    drawn.set(key, {
      small: overlay(small, ROWS.small, protocol),
      large: overlay(large, ROWS.large, protocol),
    });
  }
  return drawn;
}

function overlay(picture: Picture, rows: number, protocol: LogoProtocol): Overlay {
  return { rows, draw: DRAW[protocol](picture, rows) };
}

const DRAW: Readonly<Record<LogoProtocol, (picture: Picture, rows: number) => string>> = {
  /** Kitty graphics protocol: PNG in pieces, no answer wanted (q=2), the cursor stays (C=1). */
  kitty(picture, rows) {
    const text = pngOf(picture).toString('base64');
    const pieces = text.match(new RegExp(`.{1,${KITTY_CHUNK}}`, 'g')) ?? [];
    return pieces
      .map((piece, index) => {
        const more = index < pieces.length - 1 ? 1 : 0;
        const head = index === 0 ? `a=T,f=100,q=2,C=1,c=${rows * 2},r=${rows},m=${more}` : `m=${more}`;
        return `\u001b_G${head};${piece}\u001b\\`;
      })
      .join('');
  },
  iterm(picture, rows) {
    const png = pngOf(picture);
    const head = `size=${png.length};width=${rows * 2};height=${rows};preserveAspectRatio=1;inline=1;doNotMoveCursor=1`;
    return `\u001b]1337;File=${head}:${png.toString('base64')}\u0007`;
  },
  /** Pixels that are not set stay as they are (P2=1). */
  sixel: (picture) => `\u001bP0;1q${sixelsOf(picture)}\u001b\\`,
};
