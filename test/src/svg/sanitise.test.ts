import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { sanitiseSvg } from '../../../src/svg/sanitise.ts';
import { DANGEROUS, logo } from '../../helpers/logos.ts';

const read = (text: string) => sanitiseSvg(Buffer.from(text));

test.for(DANGEROUS)('%s is refused', ([, svg]) => {
  expect(sanitiseSvg(svg).kind).toBe('refused');
});

test('compressed SVG is refused by its first bytes', () => {
  expect(sanitiseSvg(gzipSync(logo('<g/>')))).toEqual({ kind: 'refused', reason: 'is compressed' });
});

describe('what a company may draw', () => {
  test.for([
    '<path d="M0 0h10v10z" fill="#0a0" stroke="rgb(1, 2, 3)"/>',
    '<defs><linearGradient id="a"><stop offset="0" stop-color="red"/></linearGradient></defs><rect width="9" height="9" fill="url(#a)"/>',
    '<g id="b"><circle r="4"/></g><use xlink:href="#b" x="3"/>',
    '<text x="1" y="9" font-family="serif">Bank &amp; Sons</text>',
    '<rect width="1" height="1" style="fill: red; stroke-width: 2"/>',
    '<g transform="translate(1 2) scale(.5)"><ellipse rx="1" ry="2"/></g>',
  ])('%s', (inner) => {
    const result = read(logo(inner));
    expect(result).toMatchObject({ kind: 'safe', title: 'A Bank' });
    // Read again, it is the same: what is written is understood in full.
    if (result.kind === 'safe') expect(sanitiseSvg(Buffer.from(result.svg))).toEqual(result);
  });

  test('comments and the XML declaration go, and nothing else', () => {
    const result = read(`<?xml version="1.0" encoding="UTF-8"?><!-- made by hand -->${logo('<g/>')}`);
    expect(result).toEqual(read(logo('<g/>')));
  });
});

test('a tree of uses that would draw ten thousand times is refused', () => {
  const levels = Array.from({ length: 6 }, (_, index) => {
    const uses = `<use xlink:href="#l${index}"/>`.repeat(10);
    return `<g id="l${index + 1}">${uses}</g>`;
  });
  expect(read(logo(`<g id="l0"><rect/></g>${levels.join('')}`))).toEqual({
    kind: 'refused',
    reason: 'draws more than 10000 elements',
  });
});
