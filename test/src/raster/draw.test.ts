import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readCertificates } from '../../../src/bimi/certificate.ts';
import { logoIn } from '../../../src/bimi/logotype.ts';
import { drawLogo } from '../../../src/raster/draw.ts';
import { pngOf, sixelsOf } from '../../../src/raster/encode.ts';
import { type SvgElement, sanitiseSvg } from '../../../src/svg/sanitise.ts';
import { launchBrowser } from '../../helpers/browser.ts';
import { isInstalled, needs } from '../../helpers/debian.ts';
import { root } from '../../helpers/run.ts';

const SIDE = 96;
let browser: Browser | undefined;
beforeAll(async () => {
  if (isInstalled('chromium')) browser = await launchBrowser();
});
afterAll(() => browser?.close());

const svg = (inner: string, attributes = '') =>
  Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 100 100" ${attributes}><title>A</title>${inner}</svg>`,
  );

function safe(bytes: Uint8Array): { readonly svg: string; readonly root: SvgElement } {
  const read = sanitiseSvg(bytes);
  return read.kind === 'safe' ? read : expect.unreachable(read.reason);
}

/** How far two pictures lie apart: mean and worst difference of a channel, of 255. Run in the page. */
const COMPARE = `async ([one, other, side]) => {
  const load = async (source) => {
    const image = new Image();
    image.src = source;
    await image.decode();
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = side;
    const context = canvas.getContext('2d');
    context.fillStyle = '#fff';
    context.fillRect(0, 0, side, side);
    context.drawImage(image, 0, 0, side, side);
    return context.getImageData(0, 0, side, side).data;
  };
  const [a, b] = [await load(one), await load(other)];
  let sum = 0;
  for (let at = 0; at < a.length; at += 1) sum += Math.abs(a[at] - b[at]);
  return sum / a.length;
}`;

async function distance(bytes: Uint8Array): Promise<number> {
  const { svg: text, root: tree } = safe(bytes);
  const picture = drawLogo(tree, SIDE) ?? expect.unreachable('it is not drawn');
  const page = await (browser as Browser).newPage();
  const images = [
    `data:image/svg+xml;base64,${Buffer.from(text).toString('base64')}`,
    `data:image/png;base64,${pngOf(picture).toString('base64')}`,
  ];
  const mean = await page.evaluate<number>(`(${COMPARE})(${JSON.stringify([...images, SIDE])})`);
  await page.close();
  return mean;
}

const SHAPES: readonly (readonly [string, Buffer])[] = [
  [
    'shapes',
    svg(
      '<rect x="5" y="5" width="40" height="30" rx="9" fill="#c00"/><circle cx="70" cy="25" r="20"/><ellipse cx="30" cy="70" rx="25" ry="12" fill="green"/><polygon points="60,60 90,60 75,95" fill="rgb(0,0,255)"/><line x1="5" y1="95" x2="50" y2="90" stroke="#000" stroke-width="4"/>',
    ),
  ],
  [
    'curves',
    svg(
      '<path d="M10 90C20 10 40 10 50 50S80 90 90 10L95 95z" fill="#246"/><path d="M5 5q20 40 40 0t40 0v10h-80z" fill="orange"/>',
    ),
  ],
  [
    'arcs whose flags stand together',
    svg('<path fill-rule="evenodd" d="M50 5a45 45 0 1 1-.01 0zM50 25a25 25 0 10.01 0z" fill="#146"/>'),
  ],
  ['holes by winding', svg('<path d="M10 10h80v80h-80zM30 30v40h40v-40z"/>')],
  [
    'transforms and use',
    svg(
      '<defs><path id="r" d="m10 10 40 0 0 40-40 0z" style="fill:orange"/></defs><g transform="rotate(30 50 50) scale(.5) translate(50,50)"><use xlink:href="#r" x="10"/></g><use xlink:href="#r" transform="matrix(.5 .2 -.2 .5 50 50)"/>',
    ),
  ],
  [
    'gradients',
    svg(
      '<defs><linearGradient id="a"><stop offset="0" stop-color="red"/><stop offset="1" stop-color="#00f" stop-opacity=".5"/></linearGradient><radialGradient id="b" gradientUnits="userSpaceOnUse" cx="70" cy="70" r="30"><stop offset="20%" stop-color="#fff"/><stop offset="1" stop-color="#080"/></radialGradient><linearGradient id="c" xlink:href="#a" gradientTransform="rotate(90)"/></defs><rect x="5" y="5" width="60" height="40" fill="url(#a)"/><circle cx="70" cy="70" r="25" fill="url(#b)"/><rect x="5" y="55" width="30" height="40" fill="url(#c)"/>',
    ),
  ],
  [
    'strokes',
    svg(
      '<path d="M10 90Q50-40 90 90T95 50" fill="none" stroke="#a0c" stroke-width="8" stroke-linecap="round"/><circle cx="50" cy="70" r="20" fill="none" stroke="teal" stroke-width="5"/>',
    ),
  ],
  [
    'groups one can see through',
    svg(
      '<g opacity=".5"><rect x="20" y="40" width="40" height="40" fill="red"/><rect x="40" y="50" width="40" height="40" fill="blue"/></g><rect x="5" y="5" width="50" height="50" fill-opacity=".3"/>',
    ),
  ],
  [
    'a viewBox that is no square and does not begin at 0',
    Buffer.from(
      '<svg xmlns="http://www.w3.org/2000/svg" width="96" height="96" viewBox="-20 10 200 100"><title>A</title><rect x="-20" y="10" width="200" height="100" fill="#135"/><circle cx="80" cy="60" r="40" fill="gold"/></svg>',
    ),
  ],
];

test.for(SHAPES)('%s are drawn as a browser draws them', async ([, bytes], context) => {
  needs(context, 'chromium', 'chromium');
  // A pixel at an edge differs by how it is smoothed; a shape that is missing or elsewhere makes ten times as much.
  expect(await distance(bytes)).toBeLessThan(1.5);
});

const real = join(root, 'node_modules/@postalsys/vmc/test/fixtures');

test.for(['cnn.pem', 'paypal_vmc.pem', 'xometry_cmc.pem', 'redshift.pem', 'globalsign-vmc.pem'])(
  'the logo in %s is drawn as a browser draws it',
  async (file, context) => {
    needs(context, 'chromium', 'chromium');
    if (!existsSync(join(real, file))) return context.skip('the package came without its fixtures');
    const [leaf] = readCertificates(readFileSync(join(real, file), 'latin1'));
    expect(await distance(logoIn(leaf?.logotype ?? Buffer.alloc(0)))).toBeLessThan(1.5);
  },
);

describe('is not drawn', () => {
  test('what has text', () => {
    expect(drawLogo(safe(svg('<text x="10" y="50">Bank</text>')).root, SIDE)).toBeNull();
  });

  test('what would take minutes', () => {
    const path = `<path id="p" d="M0 0${'L99 99L0 99L99 0'.repeat(500)}" stroke="#000"/>`;
    const uses = (id: string, of: string) => `<g id="${id}">${`<use xlink:href="#${of}"/>`.repeat(20)}</g>`;
    const bomb = svg(
      `<defs>${path}${uses('a', 'p')}${uses('b', 'a')}</defs>${'<use xlink:href="#b"/>'.repeat(10)}`,
    );
    expect(drawLogo(safe(bomb).root, SIDE)).toBeNull();
    const layers = svg(`${'<g opacity=".9">'.repeat(25)}<rect width="9" height="9"/>${'</g>'.repeat(25)}`);
    expect(drawLogo(safe(layers).root, 256)).toBeNull();
  });

  test.for(['1e309', '1e-309', '-1e38', '1e38'])('nonsense such as %s does no harm', (number) => {
    const odd = svg(
      `<rect x="${number}" y="1" width="${number}" height="5" rx="${number}"/><path d="M${number} 1 A${number} 1 0 0 1 5 ${number}"/>`,
    );
    const read = sanitiseSvg(odd);
    if (read.kind === 'safe') expect(drawLogo(read.root, 8)?.pixels.length ?? 192).toBe(192);
  });
});

/** Colours of sixel data, by pixel. */
function readSixels(text: string): Map<string, string> {
  const palette = new Map<string, string>();
  const pixels = new Map<string, string>();
  let [x, top, colour] = [0, 0, ''];
  for (const [token, run, char] of text.matchAll(/#\d+(?:;2;[\d;]+)?|!(\d+)([?-~])|[$-]|[?-~]|"[\d;]+/g)) {
    const [, name, rgb] = /^#(\d+)(?:;2;([\d;]+))?/.exec(token) ?? [];
    if (rgb !== undefined) palette.set(name ?? '', rgb);
    else if (name !== undefined) colour = name;
    else if (token === '$') x = 0;
    else if (token === '-') [x, top] = [0, top + 6];
    else if (!token.startsWith('"')) {
      const bits = (char ?? token).charCodeAt(0) - 63;
      for (let count = Number(run ?? 1); count > 0; count -= 1, x += 1)
        for (let row = 0; row < 6; row += 1)
          if (bits & (1 << row)) pixels.set(`${x},${top + row}`, palette.get(colour) ?? '');
    }
  }
  return pixels;
}

test('sixels hold every pixel once, in the nearest of 216 colours', () => {
  const { root: tree } = safe(
    svg('<rect width="100" height="50" fill="#f00"/><rect y="50" width="50" height="50" fill="#00f"/>'),
  );
  const picture = drawLogo(tree, 20) ?? expect.unreachable();
  const pixels = readSixels(sixelsOf(picture));
  expect(pixels.size).toBe(400);
  expect([pixels.get('3,3'), pixels.get('3,15'), pixels.get('17,19')]).toEqual([
    '100;0;0',
    '0;0;100',
    '100;100;100',
  ]);
});
